//! Work that only so many do at once, while only so many wait.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::domain::Asker;
use crate::error::Error;

/// Hands out turns, first come, first served.
pub struct Queue {
    /// For those who wait and those whose turn it is.
    places: Arc<Semaphore>,
    /// Those that strangers may have: three of four.
    for_strangers: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// Somebody's turn, until it is dropped.
pub struct Turn {
    _turn: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
    _of_a_stranger: Option<OwnedSemaphorePermit>,
}

impl Queue {
    /// So many turns at once, and so many who may wait for one.
    pub fn new(at_once: usize, waiting: usize) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self {
            places: semaphore(at_once + waiting),
            for_strangers: semaphore(at_once + waiting * 3 / 4),
            turns: semaphore(at_once),
        }
    }

    /// Waits for a turn, or fails at once when there is no place to wait. Whoever stops waiting leaves their place.
    pub async fn turn(&self, asker: Asker) -> Result<Turn, Error> {
        let take =
            |places: &Arc<Semaphore>| Arc::clone(places).try_acquire_owned().map_err(|_| Error::HashingBusy);
        let of_a_stranger = (asker == Asker::Stranger).then(|| take(&self.for_strangers)).transpose()?;
        let place = take(&self.places)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| Error::HashingBusy)?;
        Ok(Turn { _turn: turn, _place: place, _of_a_stranger: of_a_stranger })
    }

    /// How many strangers could come now without being refused.
    #[cfg(test)]
    pub fn free_places(&self) -> usize {
        self.for_strangers.available_permits().min(self.places.available_permits())
    }
}
