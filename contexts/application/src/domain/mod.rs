//! What an application is, and the rules it keeps.

mod application;
mod repository;
#[cfg(test)]
pub mod samples;
mod values;

pub use application::{Application, ApplicationEvent, ApplicationState};
pub use repository::ApplicationRepository;
pub use values::{ApplicationId, ApplicationName, ApplicationVersion, Architect, Specification};
