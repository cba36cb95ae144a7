//! What the credential library cannot do: look whether the Secret Service is locked without making it ask the person,
//! ask when somebody wants it, and hear when it changes. The freedesktop.org Secret Service API, §4 to §8.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, future};
use tokio::time::timeout;
use zbus::fdo::DBusProxy;
use zbus::message::Type;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, MatchRule, MessageStream, Proxy};

use super::{KeyringError, SERVICE as APPLICATION};

const NAME: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";

/// No answer where nobody is asked.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a person may take.
const PROMPT_PATIENCE: Duration = Duration::from_secs(120);

/// Fails with `Locked` unless the collection that new items go to, and the one this item is in, are unlocked.
pub(super) async fn access(user: &str) -> Result<(), KeyringError> {
    let look = async {
        let service = service().await?;
        match locked(&service, user).await? {
            Doors::Open => Ok(()),
            Doors::Locked(_) => Err(KeyringError::Locked("its password has not been given yet".into())),
            Doors::None => Err(KeyringError::Locked("no keyring has been set up yet".into())),
        }
    };
    timeout(PATIENCE, look).await.unwrap_or(Err(KeyringError::Silent))
}

/// Has the person asked for what is locked. Where there is no keyring at all, for the password of a new one.
pub(super) async fn unlock(user: &str) -> Result<(), KeyringError> {
    let service = service().await?;
    let prompt: OwnedObjectPath = match timeout(PATIENCE, locked(&service, user)).await {
        Err(_) => return Err(KeyringError::Silent),
        Ok(doors) => match doors? {
            Doors::Open => return Ok(()),
            Doors::Locked(objects) => {
                let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) =
                    soon(service.call("Unlock", &(objects,))).await?;
                prompt
            }
            Doors::None => {
                let label =
                    HashMap::from([("org.freedesktop.Secret.Collection.Label", Value::from("Default"))]);
                let (_, prompt): (OwnedObjectPath, OwnedObjectPath) =
                    soon(service.call("CreateCollection", &(label, "default"))).await?;
                prompt
            }
        },
    };
    if prompt.as_str() != "/" {
        ask(service.connection(), &prompt).await?;
    }
    // Some say that they asked and are as locked as before.
    access(user).await
}

/// Yields at every sign of life.
pub(super) async fn changes() -> zbus::Result<BoxStream<'static, ()>> {
    let bus = Connection::session().await?;
    let owner = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender("org.freedesktop.DBus")?
        .member("NameOwnerChanged")?
        .arg(0, NAME)?
        .build();
    let signals = MatchRule::builder().msg_type(Type::Signal).sender(NAME)?.path_namespace(PATH)?.build();
    let owner = MessageStream::for_match_rule(owner, &bus, None).await?;
    let signals = MessageStream::for_match_rule(signals, &bus, None).await?;
    // A closed stream is a lost bus: nothing more will come of it.
    Ok(stream::select(owner, signals)
        .filter_map(|message| future::ready(message.ok().map(drop)))
        .chain(stream::pending())
        .boxed())
}

enum Doors {
    Open,
    Locked(Vec<OwnedObjectPath>),
    /// No default collection.
    None,
}

async fn service() -> Result<Proxy<'static>, KeyringError> {
    let bus = soon(Connection::session()).await?;
    soon(Proxy::new(&bus, NAME, PATH, SERVICE)).await
}

/// What no person is asked for is answered at once, or the service hangs.
async fn soon<T>(answer: impl Future<Output = zbus::Result<T>>) -> Result<T, KeyringError> {
    timeout(PATIENCE, answer).await.map_err(|_| KeyringError::Silent)?.map_err(absent)
}

async fn locked(service: &Proxy<'_>, user: &str) -> Result<Doors, KeyringError> {
    let attributes = HashMap::from([("service", APPLICATION), ("username", user)]);
    let (unlocked, mut objects): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
        service.call("SearchItems", &(attributes,)).await.map_err(absent)?;
    let default: OwnedObjectPath = service.call("ReadAlias", &("default",)).await.map_err(absent)?;
    if default.as_str() == "/" {
        return Ok(match (unlocked.is_empty(), objects.is_empty()) {
            (_, false) => Doors::Locked(objects),
            (false, true) => Doors::Open,
            (true, true) => Doors::None,
        });
    }
    let collection =
        Proxy::new(service.connection(), NAME, default.clone(), COLLECTION).await.map_err(absent)?;
    let is_locked: bool = collection.get_property("Locked").await.map_err(absent)?;
    if is_locked {
        objects.push(default);
    }
    Ok(if objects.is_empty() { Doors::Open } else { Doors::Locked(objects) })
}

/// Shows the prompt and waits for its end. A service that goes away meanwhile never says that it has ended.
async fn ask(bus: &Connection, prompt: &OwnedObjectPath) -> Result<(), KeyringError> {
    let proxy = Proxy::new(bus, NAME, prompt.clone(), PROMPT).await.map_err(absent)?;
    let mut completed = proxy.receive_signal("Completed").await.map_err(absent)?;
    let names = DBusProxy::new(bus).await.map_err(absent)?;
    let mut owner = names.receive_name_owner_changed_with_args(&[(0, NAME)]).await.map_err(absent)?;
    soon(proxy.call::<_, _, ()>("Prompt", &("",))).await?;
    let answered = async {
        tokio::select! {
            Some(signal) = completed.next() => {
                let (dismissed, _): (bool, OwnedValue) = signal.body().deserialize().map_err(absent)?;
                if dismissed { Err(KeyringError::Dismissed) } else { Ok(()) }
            }
            _ = owner.next() => Err(KeyringError::Absent("it ended while it asked".into())),
        }
    };
    match timeout(PROMPT_PATIENCE, answered).await {
        Ok(result) => result,
        Err(_) => {
            let _ = timeout(PATIENCE, proxy.call::<_, _, ()>("Dismiss", &())).await;
            Err(KeyringError::Silent)
        }
    }
}

fn absent(error: zbus::Error) -> KeyringError {
    KeyringError::Absent(error.to_string())
}
