//! What a site sends, and what it would become if one looked elsewhere for things.

use webpush::payload::{Content, Context, FieldMapping, JsonPointer, MappedField, Notification, Payload};

use super::{Shared, find};
use crate::api::{
    CommandError, EntryId, ErrorCode, PointerRemark, Preview, RawPayload, Response, TypedPointer,
};
use crate::store::entries;
use crate::store::sites::SiteRow;

/// Enough to see what a sender does.
const LISTED: u32 = 10;

pub(super) async fn payloads(shared: &Shared, site: SiteRow) -> Result<Response, CommandError> {
    let stored = shared.store.read(move |c| Ok(entries::payloads(c, &site.id, LISTED)?)).await?;
    let payload = |(id, received_at, raw): (EntryId, _, Vec<u8>)| {
        let size = raw.len();
        RawPayload { id, received_at, text: String::from_utf8(raw).ok(), size }
    };
    Ok(Response::Payloads(stored.into_iter().map(payload).collect()))
}

/// Reads the payload anew, as it is stored: without its secrets, which no reading sees either.
pub(super) async fn preview(
    shared: &Shared,
    id: EntryId,
    pointers: Vec<TypedPointer>,
) -> Result<Response, CommandError> {
    let stored = shared.store.read(move |c| Ok(entries::payload(c, id)?)).await?;
    let (site, raw) = stored.ok_or_else(|| {
        CommandError::new(ErrorCode::NotFound, format!("no entry with a payload has the id {id}"))
    })?;
    let site = find(shared, site).await?;
    let context = Context { site: &site.name, base: site.url.as_ref() };
    Ok(Response::Preview(preview_of(&raw, context, &pointers)))
}

fn preview_of(raw: &[u8], context: Context<'_>, pointers: &[TypedPointer]) -> Preview {
    let mut mapping = FieldMapping::default();
    let mut remarks = Vec::new();
    for TypedPointer { field, pointer } in pointers.iter().filter(|typed| !typed.pointer.is_empty()) {
        match pointer.parse::<JsonPointer>() {
            Ok(pointer) => mapping.set(*field, Some(pointer)),
            Err(error) => {
                remarks.push(PointerRemark { field: *field, invalid: true, message: error.to_string() });
            }
        }
    }
    let Payload { content, mapped, .. } = Payload::parse(raw, context, &mapping);
    let unfound = |field: &MappedField| mapping.get(*field).is_some() && !mapped.contains(field);
    remarks.extend(MappedField::ALL.into_iter().filter(unfound).map(|field| PointerRemark {
        field,
        invalid: false,
        message: nothing_there(field).to_owned(),
    }));
    let notification = match content {
        Content::Notification(notification) => Some(*notification),
        Content::Control(control) => control.notification(context),
    };
    let Notification { title, body, navigate, image, tag, .. } = notification.unwrap_or_default();
    Preview { title, body, navigate, image, tag, remarks }
}

fn nothing_there(field: MappedField) -> &'static str {
    match field {
        MappedField::Title | MappedField::Body | MappedField::Tag => "no text is there in this message",
        MappedField::Link => "no link is there in this message",
        MappedField::Image => "no picture’s address is there in this message",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preview(raw: &str, pointers: &[(MappedField, &str)]) -> Preview {
        let typed = |(field, pointer): &(MappedField, &str)| TypedPointer {
            field: *field,
            pointer: (*pointer).to_owned(),
        };
        let pointers: Vec<_> = pointers.iter().map(typed).collect();
        preview_of(raw.as_bytes(), Context { site: "Builds", base: None }, &pointers)
    }

    #[test]
    fn a_preview_is_what_would_be_shown_and_says_what_does_nothing() {
        let raw = r#"{"title": "Read", "build": {"state": "red", "page": "/7"}}"#;
        let Preview { title, navigate, remarks, .. } = preview(
            raw,
            &[
                (MappedField::Title, "/build/state"),
                (MappedField::Body, "state"),
                (MappedField::Link, "/build/page"),
                (MappedField::Tag, ""),
            ],
        );
        assert_eq!((title.as_str(), navigate), ("red", None), "a relative link of an unknown site");
        let said: Vec<_> = remarks.iter().map(|remark| (remark.field, remark.invalid)).collect();
        assert_eq!(said, [(MappedField::Body, true), (MappedField::Link, false)]);
        assert!(remarks.iter().all(|remark| !remark.message.is_empty()));
        assert_eq!(preview(raw, &[]).title, "Read");
    }

    #[test]
    fn what_is_for_the_person_alone_is_previewed_as_it_is_shown() {
        let Preview { title, remarks, .. } =
            preview(r#"{"event": "subscription_expiring"}"#, &[(MappedField::Title, "/event")]);
        assert!(title.contains("Builds"), "{title}");
        assert_eq!(remarks.len(), 1);
    }
}
