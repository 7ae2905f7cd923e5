//! Applications in SQL.

mod application_row;
mod application_store;
mod application_views;

pub use application_store::SqlApplications;
pub use application_views::SqlApplicationViews;
