//! For tests: the elements of an SVG, and whether all of its texts are readable.

use roxmltree::{Document, Node};

use super::canvas::{self, TEXT, WIDTH};

/// The texts, in drawing order.
pub(super) fn texts(svg: &Document) -> Vec<String> {
    text_nodes(svg).map(|node| text_of(&node)).collect()
}

fn text_nodes<'a>(svg: &'a Document) -> impl Iterator<Item = Node<'a, 'a>> {
    svg.descendants().filter(|node| node.has_tag_name("text"))
}

fn text_of(node: &Node) -> String {
    node.text().unwrap_or_default().trim().to_string()
}

/// The text of the chart's own `title` or `desc`.
pub(super) fn child<'a>(svg: &'a Document, name: &str) -> &'a str {
    svg.root_element().children().find(|node| node.has_tag_name(name)).and_then(|node| node.text()).unwrap()
}

/// The elements of this name in a contender's groups.
pub(super) fn of_contender<'a>(svg: &'a Document, contender: &str, element: &str) -> Vec<Node<'a, 'a>> {
    let is_within = |node: &Node| node.ancestors().any(|group| group.attribute("data-contender") == Some(contender));
    svg.descendants().filter(|node| node.has_tag_name(element) && is_within(node)).collect()
}

/// All tooltips, which must also be in a group's title.
pub(super) fn tips(svg: &Document) -> Vec<String> {
    let groups = svg.descendants().filter_map(|node| Some((node, node.attribute("data-tip")?)));
    let tip = |(group, tip): (Node, &str)| {
        let title =
            group.children().find(|node| node.has_tag_name("title")).and_then(|title| title.text().map(str::to_string));
        assert_eq!(title.as_deref(), Some(tip));
        tip.to_string()
    };
    groups.map(tip).collect()
}

/// What makes a text hard to read: it reaches beyond the sheet, is small, or overlaps another.
pub(super) fn unreadable(svg: &Document) -> Vec<String> {
    let height: f64 = svg.root_element().attribute("height").unwrap().parse().unwrap();
    let mut complaints = Vec::new();
    let mut boxes: Vec<(String, [f64; 4])> = Vec::new();
    for node in text_nodes(svg) {
        let number = |name| node.attribute(name).unwrap().parse::<f64>().unwrap();
        let (x, y, size, text) = (number("x"), number("y"), number("font-size"), text_of(&node));
        let width = canvas::text_width(&text, size);
        // Most texts are vertically centred; tick labels hang from their place.
        let y = if node.attribute("dy") == Some("0.76em") { y + size * 0.4 } else { y };
        let left = match node.attribute("text-anchor") {
            Some("end") => x - width,
            Some("middle") => x - width / 2.0,
            _ => x,
        };
        if size < TEXT {
            complaints.push(format!("{text:?} has size {size}"));
        }
        if left < 0.0 || left + width > f64::from(WIDTH) || y < size / 2.0 || y + size / 2.0 > height {
            complaints.push(format!("{text:?} at {left}, {y} reaches beyond the sheet"));
        }
        // Letters are lower than their size, and usually narrower than their room.
        let area = [left + width * 0.05, y - size * 0.35, left + width * 0.95, y + size * 0.35];
        for (other, [left, top, right, bottom]) in &boxes {
            if area[0] < *right && *left < area[2] && area[1] < *bottom && *top < area[3] {
                complaints.push(format!("{text:?} lies on {other:?}"));
            }
        }
        boxes.push((text, area));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_complaint_is_found() {
        let text = |x: i32, y: i32, size: i32, text: &str| {
            format!("<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"start\">\n{text}\n</text>")
        };
        let svg = |texts: &[String]| format!("<svg height=\"500\">{}</svg>", texts.concat());
        for (texts, complaint) in [
            (vec![text(24, 100, 40, "fine"), text(24, 148, 40, "below it")], None),
            (vec![text(24, 100, 30, "small")], Some("\"small\" has size 30")),
            (vec![text(1590, 100, 40, "right")], Some("\"right\" at 1590, 100 reaches beyond the sheet")),
            (vec![text(24, 490, 40, "below")], Some("\"below\" at 24, 490 reaches beyond the sheet")),
            (vec![text(24, 100, 40, "first"), text(60, 110, 40, "second")], Some("\"second\" lies on \"first\"")),
        ] {
            let svg = svg(&texts);
            let complaints = unreadable(&Document::parse(&svg).unwrap());
            assert_eq!(complaints.first().map(String::as_str), complaint, "{complaints:?}");
        }
    }
}
