//! An answer that has its room for as long as its client has not taken it.

use hyper::body::Bytes;

/// Bytes with their room.
struct Counted<R> {
    bytes: Vec<u8>,
    _room: R,
}

impl<R> AsRef<[u8]> for Counted<R> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The same bytes, which have their room until the last clone of them is dropped: until the system, or TLS, has all of them. What
/// waits in between, where it is sent, is counted with that.
pub(super) fn counted<R: Send + 'static>(bytes: Vec<u8>, room: R) -> Bytes {
    Bytes::from_owner(Counted { bytes, _room: room })
}

#[cfg(test)]
mod tests {
    use super::super::{DEFAULT_QUERY_TIMEOUT, Questions};
    use super::*;
    use crate::store::RoomSettings;

    #[tokio::test]
    async fn an_answer_has_its_room_until_the_last_of_it_is_taken() {
        let room = RoomSettings::default();
        let questions = Questions::new("none".into(), room, DEFAULT_QUERY_TIMEOUT);
        let room = questions.room_for_answer(128 << 20).unwrap();
        assert!(questions.room_for_answer(1).is_err());
        let mut left = counted(vec![b'x'; 100_000], room);
        let first = left.split_to(99_999);
        drop(first);
        assert!(questions.room_for_answer(1).is_err());
        drop(left);
        assert!(questions.room_for_answer(1).is_ok());
    }
}
