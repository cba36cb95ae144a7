//! The window's TypeScript types are generated from the Rust ones and committed; this compares them.

use std::path::Path;

use ts_rs::{Config, TS};

use crate::api;

/// Declarations, in the order a reader wants them.
fn bindings() -> String {
    let config = Config::new();
    let mut text = String::from(
        "// Generated from crates/user-agent/src/api.rs by its tests: UPDATE_BINDINGS=1 cargo test -p user-agent bindings\n\n\
         export type PushSubscription = { endpoint: string, expirationTime: number | null, keys: { p256dh: string, auth: string } };\n\
         \nexport type MappedField = \"title\" | \"body\" | \"link\" | \"image\" | \"tag\";\n\
         \nexport type FieldMapping = { [field in MappedField]: string | null };\n",
    );
    macro_rules! declare {
        ($($name:ident),* $(,)?) => {
            $(text.push_str(&format!("\nexport {}\n", api::$name::decl(&config)));)*
        };
    }
    declare!(
        Request,
        Response,
        NewSite,
        SiteChange,
        SiteState,
        Destination,
        Links,
        Images,
        Burst,
        Badge,
        Site,
        EntryId,
        EntryFilter,
        Entry,
        EntryAction,
        ExportedSites,
        ImportedSite,
        FilePassphrase,
        RawPayload,
        TypedPointer,
        Preview,
        PointerRemark,
        EntryPicture,
        Disposition,
        Event,
        UaidState,
        Status,
        DoNotDisturb,
        Condition,
        PushServiceStatus,
        PushService,
        SettingKey,
        Setting,
        Check,
        Severity,
        Trouble,
        CommandError,
        ErrorCode,
    );
    text
}

#[test]
fn the_windows_types_are_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ui/src/lib/bindings.ts");
    let generated = bindings();
    assert!(!generated.contains("bigint"), "JSON numbers are not BigInts: give the field a type");
    if std::env::var_os("UPDATE_BINDINGS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == generated, "ui/src/lib/bindings.ts is out of date: run with UPDATE_BINDINGS=1");
}
