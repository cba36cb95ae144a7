//! The picture of an entry, for a window that must not load anything itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Shared, no_entry};
use crate::api::{CommandError, EntryId, EntryPicture, ErrorCode, Response};
use crate::pictures::{Refusal, Use, Wanted};
use crate::store::entries::{self, Pictured};

pub(super) async fn show(shared: &Shared, id: EntryId) -> Result<Response, CommandError> {
    let found = shared.store.read(move |c| Ok(entries::pictured(c, id)?)).await?;
    let Pictured { site_url, images, image } = found.ok_or_else(|| no_entry(id))?;
    let url = image.ok_or_else(|| CommandError::new(ErrorCode::NotFound, "the entry has no picture"))?;
    let wanted = Wanted::new(&url, Use::Image, site_url.as_ref(), images)?;
    let picture = shared.pictures.load(wanted).await?;
    let (width, height) = (picture.width(), picture.height());
    let png = tokio::task::spawn_blocking(move || picture.png().map(|png| STANDARD.encode(png))).await;
    let png = png.ok().flatten().ok_or(Refusal::NoPicture)?;
    Ok(Response::Picture(EntryPicture { png, width, height }))
}

impl From<Refusal> for CommandError {
    fn from(refusal: Refusal) -> Self {
        Self::new(ErrorCode::Rejected, refusal.to_string())
    }
}
