//! Servers in SQL.

mod credential_row;
mod credential_store;
mod server_row;
mod server_store;
mod server_views;

pub use credential_store::PASSWORD;
pub use server_store::SqlServers;
pub use server_views::SqlServerViews;
