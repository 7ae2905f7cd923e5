//! Where other processes ask who may do what.

use std::net::TcpListener;
use std::sync::Arc;

use servertree_kernel::plugin::Application;
use servertree_kernel::remote::{GrpcServer, Ports, Settings};

use crate::start::StartError;

/// Listens for them, if the settings say so. Taken before anything is changed, like the port of HTTP.
pub fn listen(settings: &Settings, application: &Application) -> Result<Option<GrpcServer>, StartError> {
    let Some(address) = settings.grpc_listen() else { return Ok(None) };
    let ports = ports(application).ok_or(StartError::NothingToAsk)?;
    let listener = TcpListener::bind(address).map_err(|source| StartError::GrpcListen { address, source })?;
    Ok(Some(GrpcServer::new(listener, ports, settings)?))
}

/// Those of the contexts here, if they have all of them.
fn ports(application: &Application) -> Option<Ports> {
    Some(Ports {
        decisions: Arc::clone(application.decisions.as_ref()?),
        permissions: application.has_permission_checker.then(|| Arc::clone(&application.permissions))?,
        verifier: Arc::clone(application.token_verifier.as_ref()?),
    })
}
