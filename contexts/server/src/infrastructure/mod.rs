//! Servers in SQL.

mod server_row;
mod server_store;
mod server_views;

pub use server_store::SqlServers;
pub use server_views::SqlServerViews;
