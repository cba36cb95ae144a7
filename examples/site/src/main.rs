//! A small real application server: a page with a consent button, stored subscriptions and a send button. Browsers
//! subscribe by the button, Belfry by pasting its subscription; both are sent the same Declarative Web Push document.

mod page;
mod routes;
mod sender;
mod store;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Parser;
use tokio::net::TcpListener;
use webpush::vapid::VapidKey;

use crate::sender::Sender;
use crate::store::{Subscriptions, write_private};

/// A site that sends pushes to whoever subscribed.
#[derive(Parser)]
struct Arguments {
    /// Where to listen. Anybody who reaches this address can send to every subscriber
    #[arg(long, default_value = "127.0.0.1:8040")]
    listen: SocketAddr,
    /// Where the key and the subscriptions are kept
    #[arg(long, default_value = "example-site-data")]
    data: PathBuf,
    /// Contact for push services, `mailto:` or `https:`
    #[arg(long)]
    subject: Option<String>,
    /// Also trust this certificate authority (PEM)
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    create_private_folder(&arguments.data)?;
    let key = vapid_key(&arguments.data.join("vapid.pem"))?;
    let public_key = key.public();
    let subscriptions = Subscriptions::open(arguments.data.join("subscriptions.json"))?;
    let sender = Sender::new(key, arguments.subject, arguments.ca.as_deref())?;

    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("listen on {}", arguments.listen))?;
    println!("Open http://{}/", listener.local_addr()?);
    println!("Sender's public key (VAPID): {public_key}");
    let site = routes::Site { public_key, subscriptions, sender };
    axum::serve(listener, routes::router(Arc::new(site))).await.context("serve")
}

fn create_private_folder(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).with_context(|| format!("make the folder {}", path.display()))
}

/// The site's signing key. A new one is made only where there is no file: subscriptions are bound to it.
fn vapid_key(file: &Path) -> Result<VapidKey> {
    if file.exists() {
        let pem = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        return VapidKey::from_pem(&pem).with_context(|| format!("read {}", file.display()));
    }
    let key = VapidKey::generate(&mut rand_core::UnwrapErr(getrandom::SysRng));
    write_private(file, key.to_pem()?.as_bytes()).with_context(|| format!("write {}", file.display()))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_a_damaged_one_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("vapid.pem");
        let made = vapid_key(&file).unwrap().public();
        assert_eq!(vapid_key(&file).unwrap().public(), made);
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(&file, "damaged").unwrap();
        assert!(vapid_key(&file).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "damaged");
    }
}
