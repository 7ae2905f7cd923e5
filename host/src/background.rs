//! What goes on without anybody's asking: the bridge to the broker, the relay of events, jobs.

use servertree_kernel::event::Relay;
use servertree_kernel::job::Jobs;
use servertree_kernel::plugin::Application;

use crate::bus::{Bus, BusStatus};
use crate::config::Config;
use crate::start::StartError;

/// All of it, running.
pub struct Background {
    bus: Option<Bus>,
    relay: Relay,
    jobs: Jobs,
}

impl Background {
    /// Starts it, on a database that is up to date.
    pub async fn start(config: &Config, application: &Application) -> Result<Self, StartError> {
        let bus = Bus::start(&config.bus, application).await?;
        let publisher = bus.as_ref().map(Bus::publisher);
        let relay = application.start_relay(&config.events, publisher).await.map_err(StartError::Relay)?;
        Ok(Self { bus, relay, jobs: application.start_jobs() })
    }

    /// What it works with beside the database: what it is called, and where it is.
    pub fn places(&self) -> impl Iterator<Item = (&'static str, String)> + use<> {
        self.bus.as_ref().map(|bus| ("Broker", bus.broker())).into_iter()
    }

    /// How the bridge to the broker is doing, if there is to be one.
    pub fn bus_status(&self) -> Option<BusStatus> {
        self.bus.as_ref().map(Bus::status)
    }

    /// Lets what runs end, in this order: each needs the next, and all of them the database.
    pub async fn stop(self, application: &Application) {
        application.finish_commands().await;
        self.jobs.stop().await;
        if let Some(bus) = &self.bus {
            bus.wind_down();
        }
        self.relay.stop().await;
        if let Some(bus) = self.bus {
            bus.close().await;
        }
    }
}
