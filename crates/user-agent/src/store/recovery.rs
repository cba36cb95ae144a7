//! When the database is lost: the damaged file kept aside, and the sites rebuilt from what the keyring remembers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, params};
use url::Url;
use webpush::{ApplicationServerKey, PushEndpoint, UserAgentId};

use super::{entries, sites};
use crate::api::{EntryId, SiteState};
use crate::config::PushServiceUrl;
use crate::keys::SubscriptionRecord;

type Result<T> = rusqlite::Result<T>;

/// Set once the sites of the keyring are in the database.
const SITES_COMPLETE: &str = "sites_complete";
/// The file that was kept aside.
const SET_ASIDE: &str = "database_set_aside";

/// What the note's name ends in.
const SUSPECT: &str = "suspect";

/// Reads the whole file: only for one that is under suspicion. False: it is damaged.
pub(crate) fn is_sound(c: &Connection) -> Result<bool> {
    let verdict: Result<String> = c.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    match verdict {
        Ok(verdict) => Ok(verdict == "ok"),
        Err(error)
            if matches!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Notes beside the database that it has failed: whoever opens it next reads it as a whole first.
pub(crate) fn suspect(path: &Path) {
    // A disk that takes no file either: the damage shows again by itself.
    let _ = crate::config::create_private(&path.with_extension(SUSPECT));
}

/// Whether that has been noted.
pub(crate) fn is_suspect(path: &Path) -> bool {
    path.with_extension(SUSPECT).exists()
}

/// It was sound, or is set aside.
pub(crate) fn clear(path: &Path) {
    let _ = fs::remove_file(path.with_extension(SUSPECT));
}

/// What the name of a file that was kept aside begins with.
const DAMAGED: &str = "belfry-damaged-";

/// Renames a damaged database, with its log, to a dated name beside it, and returns that.
pub(crate) fn set_aside(path: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let stamp = now.strftime("%Y-%m-%dT%H%M%SZ");
    let mut aside = path.with_file_name(format!("{DAMAGED}{stamp}.db"));
    for number in 2.. {
        if !aside.exists() {
            break;
        }
        aside = path.with_file_name(format!("{DAMAGED}{stamp}-{number}.db"));
    }
    let with = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    // The log first: alone it belongs to nothing, beside a new database it would be taken for its own.
    for suffix in ["-wal", "-shm", ""] {
        match fs::rename(with(path, suffix), with(&aside, suffix)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !suffix.is_empty() => {}
            renamed => renamed?,
        }
    }
    Ok(aside)
}

/// The file beside the database that was kept aside last. Its name alone says so, whatever has ended the process after it
/// got that.
pub(crate) fn last_set_aside(path: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(path.parent()?).ok()?;
    let date = |file: &Path| {
        let stem = file.file_name()?.to_str()?.strip_prefix(DAMAGED)?.strip_suffix(".db")?;
        let (stamp, number) = match stem.split_once("Z-") {
            Some((stamp, number)) => (stamp, number.parse().ok()?),
            None => (stem.strip_suffix('Z')?, 1_u32),
        };
        Some((stamp.to_owned(), number))
    };
    let dated = files.filter_map(|file| file.ok().map(|file| file.path()));
    let dated = dated.filter_map(|file| Some((date(&file)?, file)));
    dated.max_by(|(one, _), (other, _)| one.cmp(other)).map(|(_, file)| file)
}

/// Whether the keyring is still to be asked for sites.
pub(crate) fn is_incomplete(c: &Connection) -> Result<bool> {
    Ok(sites::setting(c, SITES_COMPLETE)?.is_none())
}

/// Makes sites of these records, as far as they are not there; returns their names. One that never got an endpoint was
/// never given to anybody.
pub(crate) fn rebuild(
    c: &Connection,
    records: &[SubscriptionRecord],
    set_aside: Option<&Path>,
    now: Timestamp,
) -> Result<Vec<String>> {
    let mut records: Vec<_> = records.iter().filter_map(Record::read).collect();
    // The latest first: it names the uaid that the service knows.
    records.sort_by_key(|record| std::cmp::Reverse(record.saved_at));
    let mut names = Vec::new();
    for record in records {
        names.extend(record.insert(c, now)?);
    }
    if let Some(file) = set_aside.and_then(Path::file_name) {
        sites::set_setting(c, SET_ASIDE, &file.to_string_lossy())?;
        // A notification of an entry that was lost may be on screen: no other is to be taken for it. Nobody gets more than
        // one a second on average.
        entries::begin_after(c, EntryId(now.as_second()))?;
    }
    sites::set_setting(c, SITES_COMPLETE, "1")?;
    Ok(names)
}

/// The file that was kept aside last, while it is there.
pub(crate) fn kept_aside(c: &Connection, database: &Path) -> Result<Option<PathBuf>> {
    let name = sites::setting(c, SET_ASIDE)?;
    Ok(name.map(|name| database.with_file_name(name)).filter(|file| file.exists()))
}

/// A record whose values are valid. The keyring is the user's, but other programs write there as well.
struct Record<'a> {
    source: &'a SubscriptionRecord,
    service: PushServiceUrl,
    uaid: UserAgentId,
    endpoint: PushEndpoint,
    key: Option<ApplicationServerKey>,
    url: Option<Url>,
    state: SiteState,
    saved_at: i64,
}

impl<'a> Record<'a> {
    fn read(source: &'a SubscriptionRecord) -> Option<Self> {
        Some(Self {
            source,
            service: source.push_service.parse().ok()?,
            uaid: UserAgentId::try_from(source.uaid.clone()).ok()?,
            endpoint: source.endpoint.parse().ok()?,
            key: source.application_server_key.parse().ok(),
            url: source.url.parse().ok(),
            state: source.state.parse().unwrap_or(SiteState::Alert),
            saved_at: source.saved_at,
        })
    }

    fn insert(&self, c: &Connection, now: Timestamp) -> Result<Option<String>> {
        let channel = self.source.channel_id.to_string();
        let known = "SELECT EXISTS (SELECT 1 FROM channel WHERE id = ?1)
            OR EXISTS (SELECT 1 FROM forsaken_key WHERE channel_id = ?1)";
        if c.query_row(known, [&channel], |row| row.get(0))? {
            return Ok(None);
        }
        sites::add_push_service(c, &self.service)?;
        let service = self.service.to_string();
        c.execute(
            "UPDATE push_service SET uaid = ?2 WHERE url = ?1 AND uaid = ''",
            params![service, self.uaid.as_str()],
        )?;
        let uaid: String =
            c.query_row("SELECT uaid FROM push_service WHERE url = ?1", [&service], |row| row.get(0))?;
        // The id that a channel's site has is not in the record: any new one will do.
        let id: String = channel.chars().filter(char::is_ascii_alphanumeric).take(10).collect();
        let name = free_name(c, &self.source.site)?;
        sites::insert_site(c, &id, &name, self.url.as_ref(), now)?;
        c.execute("UPDATE site SET state = ?2 WHERE id = ?1", params![id, self.state.as_str()])?;
        // Registered under an id that the service has replaced since: its endpoint is dead.
        let is_alive = uaid == self.uaid.as_str();
        sites::set_needs_pairing(c, &id, !is_alive)?;
        let (endpoint, state) =
            if is_alive { (self.endpoint.as_str(), "registered") } else { ("", "pending") };
        c.execute(
            "INSERT INTO channel (id, site_id, push_service_id, application_server_key, endpoint, state)
             SELECT ?1, ?2, id, ?4, ?5, ?6 FROM push_service WHERE url = ?3",
            params![
                channel,
                id,
                service,
                self.key.map(|key| key.to_string()).unwrap_or_default(),
                endpoint,
                state
            ],
        )?;
        Ok(Some(name))
    }
}

fn free_name(c: &Connection, wanted: &str) -> Result<String> {
    let wanted: String = wanted.chars().filter(|c| !c.is_control()).take(90).collect();
    let mut name = if wanted.trim().is_empty() { "Site".to_owned() } else { wanted.clone() };
    for number in 2.. {
        let taken = "SELECT EXISTS (SELECT 1 FROM site WHERE name = ?1 COLLATE NOCASE)";
        if !c.query_row(taken, [&name], |row| row.get::<_, bool>(0))? {
            break;
        }
        name = format!("{wanted} {number}");
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use webpush::{ChannelId, SubscriptionKeys};

    use super::*;
    use crate::keys::tests::record;
    use crate::store::channels;
    use crate::store::{Store, tests::key};

    fn registered(number: u8, site: &str, uaid: &str, saved_at: i64) -> SubscriptionRecord {
        let keys = SubscriptionKeys::from_bytes(&[7; 32], &[8; 16]).unwrap();
        SubscriptionRecord {
            endpoint: format!("https://push.example/{number}"),
            uaid: uaid.into(),
            site: site.into(),
            saved_at,
            ..record(ChannelId::from_random_bytes([number; 16]), &keys)
        }
    }

    #[tokio::test]
    async fn sites_are_rebuilt_as_far_as_their_endpoints_live() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("db"), &key(1)).unwrap();
        let records = vec![
            registered(1, "Backups", "a1", 1),
            registered(2, "backups", "b2", 3),
            registered(3, "Builds", "b2", 2),
            SubscriptionRecord { endpoint: String::new(), ..registered(4, "Never paired", "b2", 2) },
            registered(5, "Removed", "b2", 2),
            SubscriptionRecord { push_service: "gopher://x".into(), ..registered(6, "Nonsense", "b2", 2) },
        ];
        let now = Timestamp::UNIX_EPOCH;
        let removed = records[4].channel_id;
        let (names, again, sites, services) = store
            .write(move |tx| {
                channels::forsake_key(tx, removed)?;
                let names = rebuild(tx, &records, None, now)?;
                let again = rebuild(tx, &records, None, now)?;
                Ok((names, again, sites::sites(tx)?, sites::push_services(tx)?))
            })
            .await
            .unwrap();
        assert_eq!(
            names,
            ["backups", "Builds", "Backups 2"],
            "the latest first, each with a name of its own"
        );
        assert!(again.is_empty());
        assert_eq!(services[0].uaid.as_ref().unwrap().as_str(), "b2", "what the latest says");
        let dead: Vec<_> = sites.iter().filter(|site| site.needs_pairing).map(|site| &site.name).collect();
        assert_eq!(dead, ["Backups 2"], "registered under an earlier id");
        assert!(sites.iter().all(|site| site.endpoint.is_some() != site.needs_pairing));
    }

    #[test]
    fn what_is_set_aside_never_replaces_what_was_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("belfry.db");
        let now = "2026-11-25T16:00:00Z".parse().unwrap();
        let mut names = Vec::new();
        for content in ["one", "two", "three"] {
            fs::write(&path, content).unwrap();
            fs::write(folder.path().join("belfry.db-wal"), content).unwrap();
            let aside = set_aside(&path, now).unwrap();
            assert_eq!(fs::read_to_string(&aside).unwrap(), content);
            names.push(aside.file_name().unwrap().to_str().unwrap().to_owned());
        }
        assert_eq!(
            names,
            [
                "belfry-damaged-2026-11-25T160000Z.db",
                "belfry-damaged-2026-11-25T160000Z-2.db",
                "belfry-damaged-2026-11-25T160000Z-3.db"
            ]
        );
        assert!(!path.exists() && !folder.path().join("belfry.db-wal").exists());
        assert_eq!(
            last_set_aside(&path).unwrap().file_name().unwrap(),
            "belfry-damaged-2026-11-25T160000Z-3.db"
        );
        for other in
            ["belfry-damaged-2026-11-25T160001Z.db", "belfry-damaged-x.db", "belfry-damaged-9999Z.db-wal"]
        {
            fs::write(folder.path().join(other), "").unwrap();
        }
        assert_eq!(
            last_set_aside(&path).unwrap().file_name().unwrap(),
            "belfry-damaged-2026-11-25T160001Z.db"
        );
        assert_eq!(last_set_aside(Path::new("/nowhere/belfry.db")), None);
    }
}
