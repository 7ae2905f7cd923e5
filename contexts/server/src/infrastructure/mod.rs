//! Servers in SQL.

mod application_store;
mod credential_row;
mod credential_store;
mod installation_row;
mod installation_store;
mod joined_row;
mod server_row;
mod server_store;
mod server_views;

pub use application_store::SqlApplications;
pub use credential_store::PASSWORD;
pub use server_store::SqlServers;
pub use server_views::SqlServerViews;
