//! Where one thing ends and the next begins in a stream of bytes.

use std::io::{self, Cursor};

use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;

/// What connections carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// An HTTP head, then WebSocket frames.
    WebSocket,
    /// TLS records.
    Tls,
}

/// Cuts one direction of a connection into what belongs together.
#[derive(Debug)]
pub(super) struct Units {
    framing: Framing,
    /// What has been read and not taken.
    pub(super) buffer: Vec<u8>,
    taken: u64,
}

/// The header of a TLS record: type, version, length.
pub(super) const RECORD_HEADER: usize = 5;

const END_OF_HEAD: &[u8] = b"\r\n\r\n";

impl Units {
    pub(super) fn new(framing: Framing) -> Self {
        Self { framing, buffer: Vec::new(), taken: 0 }
    }

    /// The next head, frame or record, if it is complete.
    pub(super) fn take(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(length) = self.length()?.filter(|&length| length <= self.buffer.len()) else {
            return Ok(None);
        };
        self.taken += 1;
        Ok(Some(self.buffer.drain(..length).collect()))
    }

    /// How many have been taken.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    fn length(&self) -> io::Result<Option<usize>> {
        match self.framing {
            Framing::WebSocket if self.taken == 0 => {
                let found = self.buffer.windows(END_OF_HEAD.len()).position(|bytes| bytes == END_OF_HEAD);
                Ok(found.map(|position| position + END_OF_HEAD.len()))
            }
            Framing::WebSocket => {
                let mut cursor = Cursor::new(&self.buffer);
                let header = FrameHeader::parse(&mut cursor).map_err(io::Error::other)?;
                let Some((_, payload)) = header else { return Ok(None) };
                let length = cursor.position().checked_add(payload);
                let length = length.and_then(|length| usize::try_from(length).ok());
                length.map(Some).ok_or_else(|| io::Error::other("a frame without end"))
            }
            Framing::Tls => {
                let header = self.buffer.first_chunk::<RECORD_HEADER>();
                Ok(header.map(|&[_, _, _, high, low]| {
                    RECORD_HEADER + usize::from(u16::from_be_bytes([high, low]))
                }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fed byte by byte, as the worst network would.
    fn cut(framing: Framing, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut units = Units::new(framing);
        let mut taken = Vec::new();
        for byte in bytes {
            units.buffer.push(*byte);
            taken.extend(units.take().unwrap());
        }
        assert_eq!(units.taken(), taken.len() as u64);
        taken
    }

    #[test]
    fn a_head_and_frames_of_every_length_are_told_apart() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec();
        let masked = vec![0x81, 0x82, 1, 2, 3, 4, b'a', b'b'];
        let medium = [&[0x81, 126, 1, 0][..], &[7; 256]].concat();
        let long = [&[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0][..], &[8; 65_536]].concat();
        let units = [head, masked, vec![0x89, 0], medium, long];
        assert_eq!(cut(Framing::WebSocket, &units.concat()), units);
        assert_eq!(cut(Framing::WebSocket, &units.concat()[..30]), &units[..1]);
    }

    #[test]
    fn tls_records_are_told_apart() {
        let records = [vec![22, 3, 1, 0, 3, 1, 2, 3], vec![20, 3, 3, 0, 1, 1], vec![23, 3, 3, 0, 0]];
        assert_eq!(cut(Framing::Tls, &records.concat()), records);
    }
}
