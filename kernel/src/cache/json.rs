//! Values of any type, kept as JSON.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Cache, Key};
use crate::problem::{Failure, Internal};

impl dyn Cache + '_ {
    /// [`Cache::get_or_load`] for values that are kept as JSON.
    ///
    /// One that cannot be read as a `T`, because another version of the program wrote it, counts as one that is not
    /// there; it stays until its time is over.
    pub async fn get_or_load_json<T>(
        &self,
        key: Key,
        ttl: Duration,
        load: impl Future<Output = Result<T, Failure>> + Send,
    ) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned + Send,
    {
        let name = key.name().to_owned();
        let mut load = Some(load);
        let mut loaded = None;
        let bytes = self
            .get_or_load(
                key,
                ttl,
                Box::pin(async {
                    let Some(load) = load.take() else {
                        return Err(Internal(format!("{name} was loaded twice")).into());
                    };
                    let value = load.await?;
                    let json = serde_json::to_vec(&value)
                        .map_err(|error| Internal(format!("{name} cannot be written as JSON: {error}")))?;
                    loaded = Some(value);
                    Ok(json.into())
                }),
            )
            .await?;
        if let Some(value) = loaded {
            return Ok(value);
        }
        match (serde_json::from_slice(&bytes), load) {
            (Ok(value), _) => Ok(value),
            (Err(error), Some(load)) => {
                tracing::debug!(key = name, %error, "cached by another version");
                load.await
            }
            (Err(error), None) => Err(Internal(format!("{name} cannot be read: {error}")).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde::Deserialize;

    use super::*;
    use crate::cache::MemoryCache;
    use crate::problem::NotFound;
    use crate::testkit::SettableClock;

    const MINUTE: Duration = Duration::from_secs(60);

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Rack {
        name: String,
        slots: u32,
    }

    fn rack(slots: u32) -> Rack {
        Rack { name: "R12".to_owned(), slots }
    }

    fn cache() -> Arc<dyn Cache> {
        Arc::new(MemoryCache::new(100_000, Arc::new(SettableClock::default())))
    }

    #[tokio::test]
    async fn values_come_back_equal() {
        let cache = cache();
        for _ in 0..2 {
            let found = cache.get_or_load_json(Key::new("rack"), MINUTE, async { Ok(rack(42)) }).await;
            assert_eq!(found.unwrap(), rack(42));
        }
        let found = cache.get_or_load_json(Key::new("rack"), MINUTE, async { Ok(rack(1)) }).await;
        assert_eq!(found.unwrap(), rack(42));
    }

    #[tokio::test]
    async fn a_failure_comes_through() {
        let load = async { Err(NotFound.into()) };
        let failure = cache().get_or_load_json::<Rack>(Key::new("rack"), MINUTE, load).await.unwrap_err();
        assert!(failure.downcast_ref::<NotFound>().is_some());
    }

    #[tokio::test]
    async fn what_another_version_wrote_is_loaded_anew() {
        let cache = cache();
        let older = async { Ok(serde_json::json!({"name": "R12"})) };
        cache.get_or_load_json(Key::new("rack"), MINUTE, older).await.unwrap();
        let found = cache.get_or_load_json(Key::new("rack"), MINUTE, async { Ok(rack(42)) }).await;
        assert_eq!(found.unwrap(), rack(42));
    }
}
