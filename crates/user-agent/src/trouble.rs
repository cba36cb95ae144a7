//! Everything that can be wrong with a receiver, each with how bad it is and what to do: the rows of `belfry doctor`.

use serde::{Deserialize, Serialize};

use crate::api::{Check, ErrorCode, Severity};

/// What is wrong. Written in kebab-case, as `code` of a check and of nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// Nothing on this computer keeps secrets.
    KeyringAbsent,
    /// The keyring waits for its password.
    KeyringLocked,
    /// The passphrase of the keyring file is missing or wrong.
    PassphraseNeeded,
    /// The person dismissed its question.
    PromptDismissed,
    /// It does not answer.
    KeyringSilent,
    /// An item is not what Belfry wrote.
    KeyringItemDamaged,
    /// The database is there, its key is not.
    DatabaseKeyMissing,
    /// The keys of some sites are not in the keyring.
    SiteKeysMissing,
    /// Messages wait for keys, or could not be read at all.
    MessagesWithheld,
    /// No space is left.
    DiskFull,
    /// Nothing can be written.
    ReadOnly,
    /// The database cannot be read.
    DatabaseDamaged,
    /// It was damaged and has been replaced; the damaged one is kept.
    DatabaseReplaced,
    /// A later version of Belfry has written it.
    DatabaseNewer,
    /// Any other failure of the database or a file.
    StorageFailed,
    /// Another process owns the profile.
    ProfileInUse,
    /// The profile's folder or settings cannot be used.
    ProfileUnusable,
    /// Nothing receives now.
    ReceiverAbsent,
    /// A push service gave a site another subscription.
    PairingNeeded,
    /// A push service does not answer.
    PushServiceUnreachable,
    /// Nothing listens where a push service on this computer should.
    PushServiceNotRunning,
    /// Something answers at a push service's address, and it is no push service, or not by that address.
    PushServiceAddress,
    /// The authority behind a push service's certificate is not among those trusted.
    PushServiceUntrusted,
    /// A push service's certificate is not valid.
    PushServiceCertificate,
    /// It is an authority's, which signs others and is no server's own.
    PushServiceAuthority,
    /// There is no notification server.
    NotificationsAbsent,
    /// The notification server takes no clicks.
    NotificationsLimited,
    /// Do Not Disturb keeps notifications from being shown.
    DoNotDisturbOn,
    /// The desktop shows no tray icons.
    TrayAbsent,
    /// This computer's clock is far from a push service's.
    ClockWrong,
}

impl Trouble {
    /// How bad it is.
    pub fn severity(self) -> Severity {
        match self {
            Self::SiteKeysMissing
            | Self::MessagesWithheld
            | Self::DatabaseReplaced
            | Self::ReceiverAbsent
            | Self::PairingNeeded
            | Self::NotificationsLimited
            | Self::DoNotDisturbOn
            | Self::TrayAbsent
            | Self::ClockWrong => Severity::Warning,
            Self::KeyringAbsent
            | Self::KeyringLocked
            | Self::PassphraseNeeded
            | Self::PromptDismissed
            | Self::KeyringSilent
            | Self::KeyringItemDamaged
            | Self::DatabaseKeyMissing
            | Self::DiskFull
            | Self::ReadOnly
            | Self::DatabaseDamaged
            | Self::DatabaseNewer
            | Self::StorageFailed
            | Self::ProfileInUse
            | Self::ProfileUnusable
            | Self::PushServiceUnreachable
            | Self::PushServiceNotRunning
            | Self::PushServiceAddress
            | Self::PushServiceUntrusted
            | Self::PushServiceCertificate
            | Self::PushServiceAuthority
            | Self::NotificationsAbsent => Severity::Error,
        }
    }

    /// What was looked at when it was found.
    pub fn check_name(self) -> &'static str {
        match self {
            Self::KeyringAbsent
            | Self::KeyringLocked
            | Self::PassphraseNeeded
            | Self::PromptDismissed
            | Self::KeyringSilent
            | Self::KeyringItemDamaged
            | Self::DatabaseKeyMissing => "keyring",
            Self::SiteKeysMissing | Self::MessagesWithheld | Self::PairingNeeded => "sites",
            Self::DiskFull
            | Self::ReadOnly
            | Self::DatabaseDamaged
            | Self::DatabaseReplaced
            | Self::DatabaseNewer
            | Self::StorageFailed => "database",
            Self::ProfileInUse | Self::ProfileUnusable => "profile",
            Self::ReceiverAbsent => "receiver",
            Self::PushServiceUnreachable
            | Self::PushServiceNotRunning
            | Self::PushServiceAddress
            | Self::PushServiceUntrusted
            | Self::PushServiceCertificate
            | Self::PushServiceAuthority => "push-service",
            Self::NotificationsAbsent | Self::NotificationsLimited | Self::DoNotDisturbOn => "notifications",
            Self::TrayAbsent => "tray",
            Self::ClockWrong => "clock",
        }
    }

    /// The code of a request that failed because of it.
    pub fn error_code(self) -> ErrorCode {
        match self {
            Self::KeyringAbsent
            | Self::KeyringLocked
            | Self::PassphraseNeeded
            | Self::PromptDismissed
            | Self::KeyringSilent
            | Self::KeyringItemDamaged
            | Self::DatabaseKeyMissing
            | Self::SiteKeysMissing
            | Self::MessagesWithheld => ErrorCode::Keyring,
            Self::DiskFull
            | Self::ReadOnly
            | Self::DatabaseDamaged
            | Self::DatabaseReplaced
            | Self::DatabaseNewer
            | Self::StorageFailed => ErrorCode::Storage,
            Self::ProfileInUse => ErrorCode::ProfileInUse,
            Self::ProfileUnusable | Self::PairingNeeded => ErrorCode::Invalid,
            Self::PushServiceUnreachable
            | Self::PushServiceNotRunning
            | Self::PushServiceAddress
            | Self::PushServiceUntrusted
            | Self::PushServiceCertificate
            | Self::PushServiceAuthority => ErrorCode::Offline,
            Self::NotificationsAbsent | Self::NotificationsLimited | Self::DoNotDisturbOn => {
                ErrorCode::Notifications
            }
            Self::ReceiverAbsent | Self::TrayAbsent | Self::ClockWrong => ErrorCode::Internal,
        }
    }

    /// Whether a push service that has it may be without it a moment later, so that waiting is worth while.
    pub(crate) fn may_pass(self) -> bool {
        matches!(self, Self::PushServiceUnreachable | Self::PushServiceNotRunning)
    }

    /// What to do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::KeyringAbsent => {
                "start gnome-keyring or KWallet; or, on a computer without, put keyring = \"file\" into config.toml"
            }
            Self::KeyringLocked => {
                "unlock it: `belfry unlock`, or your desktop's password manager; Belfry goes on by itself"
            }
            Self::PassphraseNeeded => {
                "give the right one: at the terminal, by --passphrase-file FILE, or as a systemd credential called \
                `belfry-passphrase`"
            }
            Self::PromptDismissed => "it is not asked again by itself: `belfry unlock` when you are ready",
            Self::KeyringSilent => {
                "answer its question if one is open; otherwise restart it, Belfry goes on by itself"
            }
            Self::KeyringItemDamaged => "restore the keyring from a backup",
            Self::DatabaseKeyMissing => {
                "unlock or restore the keyring that was used when this profile was made; or move belfry.db aside: its \
                history is lost then"
            }
            Self::SiteKeysMissing => {
                "unlock or restore the keyring that has them; or remove these sites and pair them again"
            }
            Self::MessagesWithheld => {
                "they are read as soon as the site's keys are back; nothing is lost meanwhile"
            }
            Self::DiskFull => {
                "free some space; the push service keeps messages meanwhile, and they come by themselves"
            }
            Self::ReadOnly => {
                "make the profile's folder writable again: its owner, its mode, its file system; messages come by \
                themselves then"
            }
            Self::DatabaseDamaged => {
                "a running Belfry keeps the damaged file aside and rebuilds the sites by itself, as the next start does; check \
                the disk"
            }
            Self::DatabaseReplaced => {
                "the sites go on; the earlier history is in the file kept aside: delete or move that file when you are \
                done with it"
            }
            Self::DatabaseNewer => "update Belfry; nothing was changed",
            Self::StorageFailed => "check the profile's folder: its owner, its mode, its disk",
            Self::ProfileInUse => {
                "end the process that owns the profile, or continue it if it is suspended (`kill -CONT`), and run this again"
            }
            Self::ProfileUnusable => "mend the folder or its config.toml, or name another one with --profile",
            Self::ReceiverAbsent => {
                "start `belfry run` or the app: pushes wait at the push service until then"
            }
            Self::PairingNeeded => {
                "give the sender the site's new subscription: `belfry site show SITE --subscription`"
            }
            Self::PushServiceUnreachable => {
                "check the network and the address, and that the push service runs; a running Belfry keeps trying"
            }
            Self::PushServiceNotRunning => {
                "start it: `belfry serve`, with the options it had; a running Belfry connects by itself then"
            }
            Self::PushServiceAddress => {
                "check the address: `wss://` where it speaks TLS, otherwise `ws://`; and its path: a push service that wants a \
                registration token has it there, as in `wss://push.example/TOKEN`"
            }
            Self::PushServiceUntrusted => {
                "if you trust it, name the file of its certificate authority: `--ca FILE`, or `belfry config set ca-file FILE` \
                and a new start"
            }
            Self::PushServiceCertificate => {
                "check the address and this computer's clock; otherwise whoever runs the push service has to renew its \
                certificate"
            }
            Self::PushServiceAuthority => {
                "whoever runs the push service has to give it one of its own that an authority has signed: `belfry serve --tls \
                auto` makes both, a reverse proxy may have one; or one made without CA:TRUE"
            }
            Self::NotificationsAbsent => {
                "start your desktop's notification service, or one such as dunst or mako; messages wait until then"
            }
            Self::DoNotDisturbOn => {
                "`belfry dnd off` ends it, by hand and by the schedule; what arrives meanwhile is in the inbox"
            }
            Self::NotificationsLimited => "use `belfry inbox` to open links, or another notification server",
            Self::TrayAbsent => {
                "start Belfry once more to see its window; on GNOME, the AppIndicator extension shows tray icons"
            }
            Self::ClockWrong => {
                "set the clock, or have it set: `timedatectl set-ntp true`; certificates and senders' signatures depend on it"
            }
        }
    }

    /// The row for it. `message`: what was found, in one line.
    pub fn check(self, message: impl Into<String>) -> Check {
        Check {
            check: self.check_name().into(),
            severity: self.severity(),
            code: Some(self),
            message: message.into(),
            remedy: Some(self.remedy().into()),
        }
    }
}
