//! What push services say, but for messages: who we are to them, and what became of our channels.

use jiff::Timestamp;
use tokio::sync::oneshot;
use webpush::autopush::{Identity, UnregisterCode};
use webpush::{ChannelId, PushEndpoint};

use super::{Actor, Order};
use crate::api::{CommandError, ErrorCode, Event, Trouble, UaidState};
use crate::config::PushServiceUrl;
use crate::requests;
use crate::service;
use crate::store::{StoreError, channels, sites};

impl Actor {
    pub(super) async fn event(
        &mut self,
        url: PushServiceUrl,
        event: service::Event,
    ) -> Result<(), StoreError> {
        if !self.services.contains_key(&url) {
            // Said before it was let go.
            return Ok(());
        }
        match event {
            service::Event::Connected(identity) => self.connected(url, identity).await,
            service::Event::Disconnected { retry_in, reason, trouble } => {
                tracing::info!(service = %url, ?retry_in, reason, "not connected");
                if let Some(trouble) = trouble.filter(|trouble| !trouble.may_pass()) {
                    self.refuse_registrations(&url, trouble, &reason);
                }
                self.set_status(&url, false, Some(reason.clone()));
                let retry_in_ms = retry_in.map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
                self.shared.tell(Event::Disconnected { push_service: url, retry_in_ms, reason });
                Ok(())
            }
            service::Event::Registered { channel_id, endpoint } => {
                self.registered(url, channel_id, endpoint).await
            }
            service::Event::RegisterFailed { channel_id, status } => {
                self.refused(url, channel_id, status).await
            }
            service::Event::Unregistered { channel_id } => {
                self.shared.store.write(move |tx| Ok(channels::forget(tx, channel_id)?)).await?;
                self.discard_key(channel_id);
                if let Some(reply) = self.unregistering.remove(&channel_id) {
                    let _ = reply.send(());
                }
                Ok(())
            }
            service::Event::Messages(messages) => self.messages(url, messages).await,
        }
    }

    /// Whoever waits for an endpoint need not wait for what does not mend by itself.
    fn refuse_registrations(&mut self, url: &PushServiceUrl, trouble: Trouble, reason: &str) {
        for (_, (_, reply)) in self.registering.extract_if(|_, (service, _)| service == url) {
            let message = format!("no endpoint from {url}: {reason}");
            let error =
                CommandError { trouble: Some(trouble), ..CommandError::new(trouble.error_code(), message) };
            let _ = reply.send(Err(error));
        }
    }

    async fn connected(&mut self, url: PushServiceUrl, identity: Identity) -> Result<(), StoreError> {
        let (Identity::New(uaid) | Identity::Kept(uaid) | Identity::Replaced(uaid)) = identity;
        let service = url.clone();
        let work = self.shared.store.write(move |tx| {
            let state = sites::identify(tx, &service, &uaid)?;
            if state == UaidState::Replaced && !channels::invalidate(tx, &service)?.is_empty() {
                sites::set_setting(tx, sites::PAIRING_NOTICE, "1")?;
            }
            Ok((state, channels::untold(tx, &service)?))
        });
        let (state, untold) = work.await?;
        self.set_status(&url, true, None);
        tracing::info!(service = %url, identity = ?state, "connected");
        self.with(&url, |service| {
            // The session has what somebody waits for.
            for (channel, key) in untold.pending.iter().filter(|(id, _)| !self.registering.contains_key(id)) {
                service.register(*channel, *key);
            }
            for (channel, code) in &untold.removed {
                service.unregister(*channel, *code);
            }
        });
        if state == UaidState::Kept
            && let Some(presenter) = &self.presenter
        {
            presenter.catch_up(Timestamp::now());
        }
        self.shared.signals.show.notify_one();
        self.shared.tell(Event::Connected { push_service: url, uaid: state });
        if state == UaidState::Replaced {
            for name in self
                .shared
                .store
                .read(|c| Ok(sites::sites(c)?))
                .await?
                .into_iter()
                .filter_map(|row| row.wants_pairing().then_some(row.name))
            {
                let reason = "the push service has forgotten this subscription: pair the site again";
                self.report(Some(name), reason.into());
            }
        }
        Ok(())
    }

    async fn registered(
        &mut self,
        url: PushServiceUrl,
        channel: ChannelId,
        endpoint: PushEndpoint,
    ) -> Result<(), StoreError> {
        let stored = self.shared.store.write(move |tx| Ok(channels::set_endpoint(tx, channel, &endpoint)?));
        let reply = self.registering.remove(&channel).map(|(_, reply)| reply);
        let older = match stored.await {
            Ok(Some(older)) => older,
            Ok(None) => {
                // Removed while the answer was on its way.
                self.with(&url, |service| service.unregister(channel, UnregisterCode::UserRequest));
                return Ok(());
            }
            Err(error) => {
                let answer = CommandError::new(ErrorCode::Storage, error.to_string());
                let _ = reply.map(|reply| reply.send(Err(answer)));
                return Err(error);
            }
        };
        for (service, channel) in older {
            self.shared.keys.remove(channel);
            self.discard_key(channel);
            let (reply, _) = oneshot::channel();
            let code = UnregisterCode::UserRequest;
            let _ = self.shared.orders.send(Order::Unregister { service, channel, code, reply });
        }
        let shared = self.shared.clone();
        self.shared.tasks.spawn(async move {
            // Only then: whoever has been given the endpoint can rely on it, whatever becomes of the database.
            requests::keyring::save_record(&shared, channel).await;
            let _ = reply.map(|reply| reply.send(Ok(())));
        });
        self.shared.tell(Event::Changed);
        Ok(())
    }

    async fn refused(
        &mut self,
        url: PushServiceUrl,
        channel: ChannelId,
        status: u16,
    ) -> Result<(), StoreError> {
        if let Some((_, reply)) = self.registering.remove(&channel) {
            let message = format!("{url} refused the subscription (status {status})");
            // Whoever asked may have given up waiting.
            if reply.send(Err(CommandError::new(ErrorCode::Rejected, message))).is_ok() {
                return Ok(());
            }
        }
        self.report(None, format!("{url} refused to renew a subscription (status {status})"));
        if !matches!(status, 400 | 409) {
            return Ok(());
        }
        if self.shared.store.write(move |tx| Ok(channels::refuse(tx, channel)?)).await? {
            self.shared.keys.remove(channel);
            self.discard_key(channel);
            self.shared.tell(Event::Changed);
        }
        Ok(())
    }

    fn discard_key(&self, channel: ChannelId) {
        let shared = self.shared.clone();
        self.shared.tasks.spawn(async move { requests::discard_key(&shared, channel).await });
    }
}
