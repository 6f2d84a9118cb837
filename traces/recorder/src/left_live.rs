//! The extents of objects that a program leaves live: no event ends them, so comments after the last event have them.

/// The beginning of such a comment; its objects follow, as `ID=WRITTEN` with blanks between them.
const PREFIX: &str = "left live: ";
/// Maximum number of objects of a comment, so that no line is long.
const MOST_OBJECTS: usize = 1000;

/// The comments for these objects, each with its id and its written bytes.
///
/// ```
/// use heaprace_recorder::left_live::{comments, left_live};
///
/// let lines: Vec<String> = comments(&[(3, 100), (7, 0)]).collect();
/// assert_eq!(lines, ["left live: 3=100 7=0"]);
/// assert!(left_live(&lines[0]).expect("it is one").eq([(3, 100), (7, 0)]));
/// ```
pub fn comments(objects: &[(u64, u32)]) -> impl Iterator<Item = String> {
    objects.chunks(MOST_OBJECTS).map(|objects| {
        let objects: Vec<String> = objects.iter().map(|(id, written)| format!("{id}={written}")).collect();
        PREFIX.to_owned() + &objects.join(" ")
    })
}

/// The objects of a comment, each with its id and its written bytes; `None` if it is another comment.
///
/// Nothing checks that an object is live after the last event and has that many bytes.
pub fn left_live(comment: &str) -> Option<impl Iterator<Item = (u64, u32)>> {
    let objects = comment.strip_prefix(PREFIX)?.split(' ').map(object);
    objects.clone().all(|object| object.is_some()).then(|| objects.flatten())
}

/// An object of a comment.
fn object(text: &str) -> Option<(u64, u32)> {
    let (id, written) = text.split_once('=')?;
    let is_decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    (is_decimal(id) && is_decimal(written)).then_some((id.parse().ok()?, written.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_objects_come_back_a_thousand_a_line() {
        let objects: Vec<(u64, u32)> = (0..2500).map(|id| (u64::MAX - id * id, u32::MAX - id as u32)).collect();
        let lines: Vec<String> = comments(&objects).collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().flat_map(|line| left_live(line).unwrap()).eq(objects));
        assert_eq!(comments(&[]).count(), 0);
    }

    #[test]
    fn another_comment_has_no_objects() {
        for comment in [
            "",
            "mark: left live: 1=2",
            "left live: ",
            "left live: 1",
            "left live: 1=2 3",
            "left live: 1=-2",
            "left live: +1=2",
            "left live: 1=4294967296",
            "left live: 1=2  3=4",
        ] {
            assert!(left_live(comment).is_none(), "{comment}");
        }
    }
}
