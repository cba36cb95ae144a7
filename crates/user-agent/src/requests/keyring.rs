//! The keys while the receiver runs: those that were missing come back, those of removed sites go.

use webpush::ChannelId;

use super::Shared;
use crate::actor::Order;
use crate::api::Event;
use crate::keys::{KeyringError, Prompt, SubscriptionRecord};
use crate::store::{channels, sites};

/// Reads the keys that were missing, as far as the keyring has them now, and has the messages read that waited for them.
pub(crate) async fn reload(shared: &Shared) -> Result<(), KeyringError> {
    let missing = match missing(shared).await {
        Ok(missing) if missing.is_empty() => return Ok(()),
        Ok(missing) => missing,
        Err(error) => {
            tracing::warn!(%error, "which keys are missing could not be read");
            return Ok(());
        }
    };
    let loaded = shared.keyring.load(missing).await?;
    if loaded.is_empty() {
        return Ok(());
    }
    tracing::info!(subscriptions = loaded.len(), "the keyring has keys that it did not have");
    for (channel, (keys, _)) in loaded {
        shared.keys.insert(channel, keys);
    }
    let _ = shared.orders.send(Order::Release);
    shared.tell(Event::Changed);
    Ok(())
}

/// Channels of sites whose keys are not in memory.
pub(super) async fn missing(shared: &Shared) -> Result<Vec<ChannelId>, crate::store::StoreError> {
    let channels = shared.store.read(|c| Ok(channels::with_sites(c)?)).await?;
    Ok(channels.into_iter().filter(|channel| shared.keys.get(*channel).is_none()).collect())
}

/// Reloads whenever the keyring changes, for as long as anything is missing to be reloaded.
pub(crate) async fn watch(shared: Shared) {
    let mut changes = shared.keyring.changes().await;
    loop {
        match missing(&shared).await {
            Ok(missing) if missing.is_empty() => return,
            Ok(_) | Err(_) => {}
        }
        changes.next().await;
        if let Err(error) = reload(&shared).await {
            tracing::debug!(%error, "missing keys could not be read yet");
        }
    }
}

/// Writes what the database knows of a channel to its keyring item, so that the row could be rebuilt from it. What cannot
/// be written now is written at the next start.
pub(crate) async fn save_record(shared: &Shared, channel: ChannelId) {
    let read =
        shared.store.read(move |c| Ok((sites::site_of_channel(c, channel)?, sites::push_services(c)?)));
    let (site, services) = match read.await {
        Ok((Some(site), services)) => (site, services),
        Ok((None, _)) => return,
        Err(error) => return tracing::error!(%error, "a subscription could not be read"),
    };
    let Some(keys) = shared.keys.get(channel) else { return };
    let service = services.iter().find(|service| service.url == site.push_service);
    let record = SubscriptionRecord::new(&site, service.and_then(|service| service.uaid.as_ref()), &keys);
    if let Err(error) = shared.keyring.save(record, Prompt::Never).await {
        tracing::warn!(%error, "the keyring's copy of a subscription is out of date");
    }
    // Removed meanwhile: this may have made the item anew.
    let site = shared.store.read(move |c| Ok(sites::site_of_channel(c, channel)?)).await;
    if matches!(site, Ok(None))
        && let Err(error) = delete(shared, channel).await
    {
        tracing::warn!(%error, "the keyring has an item of a removed site");
    }
}

/// Deletes the keys of removed sites that are still in the keyring: it was locked, or the process died in between.
pub(crate) fn sweep(shared: Shared) {
    shared.tasks.clone().spawn(async move {
        let forsaken = match shared.store.read(|c| Ok(channels::forsaken_keys(c)?)).await {
            Ok(forsaken) => forsaken,
            Err(error) => return tracing::warn!(%error, "which keys to delete could not be read"),
        };
        for channel in forsaken {
            if let Err(error) = delete(&shared, channel).await {
                // All of them want the same keyring.
                return tracing::debug!(%error, "the keyring still has keys of removed sites");
            }
        }
    });
}

/// Deletes a channel's key, and the note that it is to be deleted.
/// Never with a question: what cannot be deleted now is deleted later.
pub(super) async fn delete(shared: &Shared, channel: ChannelId) -> Result<(), KeyringError> {
    shared.keyring.delete(channel).await?;
    let forgotten = shared.store.write(move |tx| Ok(channels::forget_forsaken_key(tx, channel)?)).await;
    if let Err(error) = forgotten {
        // It is deleted once more, later.
        tracing::warn!(%error, "a deleted key is still noted as one to be deleted");
    }
    Ok(())
}
