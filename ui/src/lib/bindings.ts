// Generated from crates/user-agent/src/api.rs by its tests: UPDATE_BINDINGS=1 cargo test -p user-agent bindings

export type PushSubscription = { endpoint: string, expirationTime: number | null, keys: { p256dh: string, auth: string } };

export type MappedField = "title" | "body" | "link" | "image" | "tag";

export type FieldMapping = { [field in MappedField]: string | null };

export type Request = { "request": "status" } | { "request": "add_site" } & NewSite | { "request": "list_sites" } | { "request": "show_site", 
/**
 * Name or id.
 */
site: string, } | { "request": "set_site", 
/**
 * Name or id.
 */
site: string, 
/**
 * Applied all together or not at all.
 */
changes: Array<SiteChange>, } | { "request": "disconnect_site", 
/**
 * Name or id.
 */
site: string, } | { "request": "remove_site", 
/**
 * Name or id.
 */
site: string, } | { "request": "export_sites", 
/**
 * `None`: without the keys of their subscriptions; else with them, sealed.
 */
passphrase: FilePassphrase | null, 
/**
 * Which push service the user calls `local`: in a file without keys its sites are at whichever the reader does.
 */
local: string | null, } | { "request": "import_sites", 
/**
 * The file's content.
 */
document: string, 
/**
 * For a sealed one.
 */
passphrase: FilePassphrase | null, 
/**
 * Which push service the user calls `local`, if the file needs it.
 */
local: string | null, } | { "request": "list_entries" } & EntryFilter | { "request": "show_entry", 
/**
 * Which.
 */
id: EntryId, } | { "request": "list_payloads", 
/**
 * Name or id.
 */
site: string, } | { "request": "preview_mapping", 
/**
 * Which.
 */
id: EntryId, 
/**
 * Perhaps not yet all of them valid.
 */
pointers: Array<TypedPointer>, } | { "request": "show_picture", 
/**
 * Which.
 */
id: EntryId, } | { "request": "mark_read", 
/**
 * Which.
 */
ids: Array<EntryId>, } | { "request": "delete_entries", 
/**
 * Which.
 */
ids: Array<EntryId>, } | { "request": "restore_entries", 
/**
 * Which.
 */
ids: Array<EntryId>, } | { "request": "open_entry", 
/**
 * Which.
 */
id: EntryId, 
/**
 * `None`: the entry's own link; else the index of the button.
 */
action: number | null, 
/**
 * A person has seen where the link leads and wants it opened.
 */
confirmed?: boolean, } | { "request": "set_do_not_disturb", 
/**
 * From now on.
 */
value: DoNotDisturb, } | { "request": "set_default_push_service", 
/**
 * Its URL.
 */
url: string, } | { "request": "unlock" } | { "request": "list_push_services" } | { "request": "add_push_service", 
/**
 * Its URL.
 */
url: string, } | { "request": "remove_push_service", 
/**
 * Its URL.
 */
url: string, } | { "request": "list_settings" } | { "request": "set_setting", 
/**
 * Which.
 */
key: SettingKey, 
/**
 * `None`: the default.
 */
value: string | null, 
/**
 * A person has seen how many messages are deleted and wants that.
 */
confirmed?: boolean, } | { "request": "diagnose" };

export type Response = { "response": "done" } | { "response": "status", "value": Status } | { "response": "site", "value": Site } | { "response": "sites", "value": Array<Site> } | { "response": "removed", "value": { 
/**
 * Whether the push service has confirmed; otherwise it is told at the next connection.
 */
unregistered: boolean, } } | { "response": "exported", "value": ExportedSites } | { "response": "imported", "value": Array<ImportedSite> } | { "response": "entries", "value": Array<Entry> } | { "response": "entry", "value": { 
/**
 * The entry.
 */
entry: Entry, 
/**
 * The decrypted payload without its secrets; `None` when there was none, it could not be decrypted, or it is no text.
 */
raw: string | null, 
/**
 * The same in base64, where it is no text.
 */
raw_base64?: string, } } | { "response": "payloads", "value": Array<RawPayload> } | { "response": "preview", "value": Preview } | { "response": "picture", "value": EntryPicture } | { "response": "push_services", "value": Array<PushService> } | { "response": "settings", "value": Array<Setting> } | { "response": "checks", "value": Array<Check> };

export type NewSite = { 
/**
 * What people call it; 1 to 100 characters, unique without regard to case.
 */
name: string, 
/**
 * Its origin, which relative links in its pushes belong to.
 */
url: string | null, 
/**
 * The sender's VAPID public key: the endpoint then accepts that sender only.
 */
vapid_key: string | null, 
/**
 * Default: the profile's.
 */
push_service: string | null, };

export type SiteChange = { "key": "name", "value": string } | { "key": "url", "value": string | null } | { "key": "state", "value": SiteState } | { "key": "snooze", "value": string | null } | { "key": "sound", "value": boolean } | { "key": "links", "value": Links } | { "key": "images", "value": Images } | { "key": "burst", "value": Burst } | { "key": "dnd_bypass", "value": boolean } | { "key": "vapid_key", "value": string | null } | { "key": "push_service", "value": string } | { "key": "map", "value": { 
/**
 * What.
 */
field: MappedField, 
/**
 * Where.
 */
pointer: string | null, } } | { "key": "paired" };

export type SiteState = "alert" | "quiet" | "history" | "blocked";

export type Destination = { 
/**
 * The push service it lives at.
 */
push_service: string, 
/**
 * The sender's VAPID public key, when it is restricted to it.
 */
vapid_key: string | null, };

export type Links = "own" | "any" | "ask";

export type Images = "own" | "always" | "never";

export type Burst = string;

export type Badge = "flag" | { "count": number };

export type Site = { 
/**
 * Short, stable, never reused.
 */
id: string, 
/**
 * What people call it.
 */
name: string, 
/**
 * Its origin.
 */
url: string | null, 
/**
 * What it may do.
 */
state: SiteState, 
/**
 * Its state in words, for people.
 */
state_label: string, 
/**
 * Whether that tells of a snooze: whoever writes times by the user's locale says so in its own words.
 */
snoozed: boolean, 
/**
 * No notifications before then.
 */
snoozed_until: string | null, 
/**
 * Whether its notifications may be heard.
 */
sound: boolean, 
/**
 * Which of its links are opened.
 */
links: Links, 
/**
 * Which of its pictures are loaded.
 */
images: Images, 
/**
 * How many of its notifications are shown one by one.
 */
burst: Burst, 
/**
 * Whether it is shown during Do Not Disturb.
 */
dnd_bypass: boolean, 
/**
 * Where its sender puts things, as far as somebody has said so.
 */
mapping: FieldMapping, 
/**
 * The push service its subscription lives at, or lived at before it was disconnected.
 */
push_service: string, 
/**
 * Where its subscription is to be, once there is an endpoint for it; the one it has serves until then.
 */
moving_to?: Destination, 
/**
 * Whether it has a subscription or is about to get one.
 */
connected: boolean, 
/**
 * Whether the sender must be given the subscription again, because the push service replaced it.
 */
needs_pairing: boolean, 
/**
 * The sender's VAPID public key, when the subscription is restricted to it.
 */
vapid_key: string | null, 
/**
 * When it was added.
 */
added_at: string, 
/**
 * Entries not yet read.
 */
unread: number, 
/**
 * What the site itself says is new there.
 */
badge: Badge | null, 
/**
 * What the sender is given. Only in `Response::Site`: it is a secret. `None` as well while there is no endpoint.
 */
subscription?: PushSubscription, };

export type EntryId = string;

export type EntryFilter = { 
/**
 * Only this site's (name or id).
 */
site: string | null, 
/**
 * Only entries with all these words in title or body.
 */
search: string | null, 
/**
 * Only unread ones.
 */
unread: boolean, 
/**
 * At most this many; `None`: 50.
 */
limit: number | null, };

export type Entry = { 
/**
 * Increasing with arrival.
 */
id: EntryId, 
/**
 * The site's name.
 */
site: string, 
/**
 * When it arrived here.
 */
received_at: string, 
/**
 * Plain text, one line.
 */
title: string, 
/**
 * Plain text.
 */
body: string, 
/**
 * What a click opens.
 */
navigate: string | null, 
/**
 * A large picture.
 */
image: string | null, 
/**
 * What a later one replaces.
 */
tag: string, 
/**
 * Buttons.
 */
actions: Array<EntryAction>, 
/**
 * What a person is to run in a terminal, where the message is about that. Never a sender's own words.
 */
command?: string, 
/**
 * Whether someone has seen it.
 */
read: boolean, 
/**
 * What became of it.
 */
disposition: Disposition, 
/**
 * Why it could not be decrypted, when it could not.
 */
failure: string | null, };

export type EntryAction = { 
/**
 * Its label.
 */
title: string, 
/**
 * What it opens.
 */
navigate: string | null, };

export type ExportedSites = { 
/**
 * Its content.
 */
document: string, 
/**
 * How many sites are in it.
 */
sites: number, 
/**
 * With keys: the names of those that are in it without, because they have no subscription or the keyring lacks it.
 */
without_keys: Array<string>, };

export type ImportedSite = { 
/**
 * The site, with its subscription as far as there is one.
 */
site: Site, 
/**
 * Whether its subscription came along: its sender need not be told.
 */
moved: boolean, 
/**
 * Why it has no new subscription yet. It comes with a later connection.
 */
reason: string | null, };

export type FilePassphrase = string;

export type RawPayload = { 
/**
 * The entry that was made of it.
 */
id: EntryId, 
/**
 * When it arrived here.
 */
received_at: string, 
/**
 * Decrypted, without its secrets. `None`: it is no text.
 */
text: string | null, 
/**
 * Bytes.
 */
size: number, };

export type TypedPointer = { 
/**
 * What it is for.
 */
field: MappedField, 
/**
 * Perhaps not yet a JSON pointer. Empty: none.
 */
pointer: string, };

export type Preview = { 
/**
 * Plain text, one line.
 */
title: string, 
/**
 * Plain text.
 */
body: string, 
/**
 * What a click would open.
 */
navigate: string | null, 
/**
 * A large picture.
 */
image: string | null, 
/**
 * What a later one replaces.
 */
tag: string, 
/**
 * Which pointers do nothing here, and why.
 */
remarks: Array<PointerRemark>, };

export type PointerRemark = { 
/**
 * What the pointer is for.
 */
field: MappedField, 
/**
 * Whether it is no JSON pointer at all, and cannot be stored. Otherwise it may well find something in another payload.
 */
invalid: boolean, 
/**
 * For people.
 */
message: string, };

export type EntryPicture = { 
/**
 * A PNG file in base64.
 */
png: string, 
/**
 * In pixels.
 */
width: number, 
/**
 * In pixels.
 */
height: number, };

export type Disposition = "shown" | "recorded" | "discarded";

export type Event = { "event": "connected", 
/**
 * Its URL.
 */
push_service: string, 
/**
 * Whether it knew us.
 */
uaid: UaidState, } | { "event": "disconnected", 
/**
 * Its URL.
 */
push_service: string, 
/**
 * Milliseconds until the next attempt; `null`: not before the network changes.
 */
retry_in_ms: number | null, 
/**
 * Why.
 */
reason: string, } | { "event": "push", 
/**
 * Its history entry; `null` for a discarded one.
 */
id: EntryId | null, 
/**
 * The site's name.
 */
site: string, 
/**
 * When it arrived.
 */
received_at: string, 
/**
 * Its title; empty for a discarded one, as are the next two.
 */
title: string, 
/**
 * Its text.
 */
body: string, 
/**
 * Its link.
 */
navigate: string | null, 
/**
 * What became of it.
 */
disposition: Disposition, } | { "event": "handed", 
/**
 * Their history entries.
 */
ids: Array<EntryId>, } | { "event": "locked", 
/**
 * Why.
 */
reason: string, 
/**
 * The same for programs.
 */
code: Trouble, } | { "event": "unlocked" } | { "event": "failed", 
/**
 * The site's name, where there is one.
 */
site: string | null, 
/**
 * What and why, in one line.
 */
reason: string, } | { "event": "open", 
/**
 * What it was about; `null`: several pushes, or none.
 */
entry: EntryId | null, 
/**
 * The index of the button that was clicked; `null`: the notification itself.
 */
action: number | null, 
/**
 * Whether somebody has to say first whether its link is to be opened; otherwise there is something to read.
 */
asks: boolean, } | { "event": "changed" };

export type UaidState = "kept" | "replaced" | "new";

export type Status = { 
/**
 * Every push service in use.
 */
push_services: Array<PushServiceStatus>, 
/**
 * Where new sites go.
 */
default_push_service: string, 
/**
 * Whether nobody has chosen a push service yet: the window asks before anything is connected.
 */
first_run: boolean, 
/**
 * What of Do Not Disturb was switched by hand.
 */
do_not_disturb: DoNotDisturb, 
/**
 * Whether it is quiet now, by hand or by the schedule.
 */
quiet: boolean, 
/**
 * When that ends by itself, if it does.
 */
quiet_until?: string, 
/**
 * Entries not yet read.
 */
unread: number, 
/**
 * Why the keyring cannot be read, while it cannot: nothing is connected, and `Request::Unlock` asks for it.
 */
locked: string | null, 
/**
 * The one thing that the icon tells.
 */
condition: Condition, 
/**
 * The state of the connection in one line.
 */
headline: string, };

export type DoNotDisturb = "off" | "on" | { "until": string };

export type Condition = "ok" | "unread" | "do_not_disturb" | "offline" | "problem";

export type PushServiceStatus = { 
/**
 * Its URL.
 */
url: string, 
/**
 * Whether a session is up.
 */
connected: boolean, 
/**
 * Why not, when not.
 */
reason: string | null, };

export type PushService = { 
/**
 * Its URL.
 */
url: string, 
/**
 * Whether new sites go there.
 */
default: boolean, 
/**
 * Names of the sites that have, or had, their subscription there.
 */
sites: Array<string>, 
/**
 * Whether a session is up.
 */
connected: boolean, 
/**
 * Why not, when not.
 */
reason: string | null, };

export type SettingKey = "push-service" | "dnd-schedule" | "history-days" | "history-per-site" | "ca-file";

export type Setting = { 
/**
 * Its name.
 */
key: SettingKey, 
/**
 * Its value, as it can be set.
 */
value: string, 
/**
 * Whether nobody has set it.
 */
is_default: boolean, };

export type Check = { 
/**
 * What was looked at: `keyring`, `database`, `notifications`, `push-service`, `clock`, …
 */
check: string, 
/**
 * How bad.
 */
severity: Severity, 
/**
 * What is wrong, for programs; `null` when it works.
 */
code: Trouble | null, 
/**
 * What was found, one line.
 */
message: string, 
/**
 * What to do, when there is something to do.
 */
remedy: string | null, };

export type Severity = "ok" | "warning" | "error";

export type Trouble = "keyring-absent" | "keyring-locked" | "passphrase-needed" | "prompt-dismissed" | "keyring-silent" | "keyring-item-damaged" | "database-key-missing" | "site-keys-missing" | "messages-withheld" | "disk-full" | "read-only" | "database-damaged" | "database-replaced" | "database-newer" | "storage-failed" | "profile-in-use" | "profile-unusable" | "receiver-absent" | "pairing-needed" | "push-service-unreachable" | "push-service-not-running" | "push-service-address" | "push-service-untrusted" | "push-service-certificate" | "push-service-authority" | "notifications-absent" | "notifications-limited" | "do-not-disturb-on" | "tray-absent" | "clock-wrong";

export type CommandError = { 
/**
 * One of a closed set.
 */
code: ErrorCode, 
/**
 * One line: what happened, and what to do.
 */
message: string, 
/**
 * The row of `belfry doctor` that explains it, where there is one.
 */
trouble?: Trouble, 
/**
 * How many messages would be deleted, where that is what a person has to confirm.
 */
deletes?: number, };

export type ErrorCode = "invalid" | "not-found" | "exists" | "offline" | "rejected" | "unconfirmed" | "keyring" | "storage" | "profile-in-use" | "notifications" | "unsupported" | "timeout" | "internal";
