//! A chart's SVG as a part of a page: with unique ids, without what the page does itself, and in fewer bytes.
//!
//! This works on the SVG of this crate's charts, and leaves what it does not know as it is.

use crate::chart::attribute;

/// The SVG for a page. `prefix` is put before its ids, so that those of two charts cannot meet.
pub(super) fn inline(svg: &str, prefix: &str) -> String {
    let (mut name, mut description) = (String::new(), String::new());
    let mut html = String::with_capacity(svg.len() / 2);
    let mut rest = svg;
    // Depth 1 is the root's own title: it names the chart. All others are tooltips that the page shows itself.
    while let Some(start) = rest.find('<') {
        push_text(&mut html, &rest[..start]);
        let Some(length) = rest[start..].find('>') else { break };
        let tag = &rest[start..=start + length];
        rest = &rest[start + length + 1..];
        let held = |rest: &mut &str, end: &str| {
            let text = rest.find(end).map_or("", |at| &rest[..at]).trim().to_owned();
            *rest = rest.find(end).map_or("", |at| &rest[at + end.len()..]);
            text
        };
        match tag.split([' ', '>', '/']).next().unwrap_or_default() {
            "<title" => {
                let text = held(&mut rest, "</title>");
                if name.is_empty() {
                    name = text;
                }
            }
            "<desc" => {
                let text = held(&mut rest, "</desc>");
                if description.is_empty() {
                    description = text;
                }
            }
            "<svg" => {
                let view_box = attribute(tag, "viewBox").unwrap_or("0 0 1600 900");
                let join = attribute(tag, "stroke-linejoin")
                    .map(|join| format!(" stroke-linejoin=\"{join}\""))
                    .unwrap_or_default();
                html += &format!("<svg role=\"img\" viewBox=\"{view_box}\"{join} aria-label=\"\u{1}\">");
            }
            "<?xml" | "<!DOCTYPE" | "<!--" => {}
            "<polyline" => html += &path(tag, prefix, ""),
            "<polygon" => html += &path(tag, prefix, "z"),
            _ => html += &attributes(tag, prefix),
        }
    }
    push_text(&mut html, rest);
    // Both are escaped already, as they come out of the SVG.
    html.replacen('\u{1}', &format!("{name}. {description}").replace('"', "&quot;"), 1)
}

/// Text between tags, without the blanks that only lay the file out.
fn push_text(html: &mut String, text: &str) {
    html.push_str(text.trim());
}

/// A tag without what a style sheet says for all of them, and with its ids prefixed.
fn attributes(tag: &str, prefix: &str) -> String {
    let mut short = String::with_capacity(tag.len());
    let mut rest = tag;
    while let Some((before, name, value, after)) = next_attribute(rest) {
        short.push_str(before);
        rest = after;
        let value = match name {
            "opacity" | "fill-opacity" | "stroke-opacity" if value == "1" => continue,
            "font-family" | "xmlns" => continue,
            "font-size" => rounded(value),
            "id" => format!("{prefix}{value}"),
            "href" | "xlink:href" => {
                value.strip_prefix('#').map_or_else(|| value.to_owned(), |id| format!("#{prefix}{id}"))
            }
            "aria-labelledby" | "aria-describedby" => {
                value.split(' ').map(|id| format!("{prefix}{id}")).collect::<Vec<_>>().join(" ")
            }
            _ => value.replace("url(#", &format!("url(#{prefix}")),
        };
        let value = value.trim();
        short.push_str(&format!(" {name}=\"{value}\""));
    }
    short + rest.trim_start()
}

/// The tag up to its next attribute, that one's name and value, and the rest.
fn next_attribute(tag: &str) -> Option<(&str, &str, &str, &str)> {
    let equals = tag.find("=\"")?;
    let start = tag[..equals].rfind(char::is_whitespace)?;
    let value = &tag[equals + 2..];
    let end = value.find('"')?;
    Some((tag[..start].trim_end(), &tag[start + 1..equals], &value[..end], &value[end + 1..]))
}

/// Sizes come with fifteen digits; one decimal of a pixel is more than shows.
fn rounded(value: &str) -> String {
    value.parse::<f64>().map_or_else(|_| value.to_owned(), |size| format!("{}", (size * 10.0).round() / 10.0))
}

/// A line or an area as a path, whose steps are relative: a third of the bytes, and the same pixels.
fn path(tag: &str, prefix: &str, end: &str) -> String {
    let points = attribute(tag, "points").and_then(whole_points);
    let kept = attributes(tag, prefix);
    let Some(points) = points.filter(|points| points.len() > 1) else { return kept };
    let (before, after) = kept.split_once(" points=\"").expect("it was found above");
    let (_, after) = after.split_once('"').expect("it was found above");
    let before = before.trim_start_matches("<polyline").trim_start_matches("<polygon");
    format!("<path{before} d=\"{}{end}\"{after}", steps(&points))
}

fn whole_points(points: &str) -> Option<Vec<(i64, i64)>> {
    let point = |pair: &str| {
        let (x, y) = pair.split_once(',')?;
        Some((x.parse().ok()?, y.parse().ok()?))
    };
    points.split_whitespace().map(point).collect()
}

/// The commands of a path through the points, without those where it only goes on in the same direction.
fn steps(points: &[(i64, i64)]) -> String {
    let mut path = format!("M{} {}", points[0].0, points[0].1);
    let mut last_kind = ' ';
    let mut push = |path: &mut String, (dx, dy): (i64, i64)| {
        let (kind, text) = match (dx, dy) {
            (0, 0) => return,
            (_, 0) => ('h', format!("{dx}")),
            (0, _) => ('v', format!("{dy}")),
            _ if dy < 0 => ('l', format!("{dx}{dy}")),
            _ => ('l', format!("{dx} {dy}")),
        };
        if kind != last_kind {
            path.push(kind);
        } else if !text.starts_with('-') {
            path.push(' ');
        }
        path.push_str(&text);
        last_kind = kind;
    };
    let mut pending = (0, 0);
    for pair in points.windows(2) {
        let step = (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1);
        let same_way = (step.0 == 0 && pending.0 == 0 && step.1 * pending.1 > 0)
            || (step.1 == 0 && pending.1 == 0 && step.0 * pending.0 > 0);
        if same_way {
            pending = (pending.0 + step.0, pending.1 + step.1);
        } else {
            push(&mut path, pending);
            pending = step;
        }
    }
    push(&mut path, pending);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_paths_with_the_same_corners() {
        assert_eq!(steps(&[(1, 2), (5, 2), (9, 2), (9, 12), (4, 2), (6, 5)]), "M1 2h8v10l-5-10 2 3");
        assert_eq!(steps(&[(1, 2), (5, 2), (3, 2)]), "M1 2h4-2", "back again is a corner");
        assert_eq!(steps(&[(1, 2), (1, 2)]), "M1 2");
        let tag = "<polyline fill=\"none\" opacity=\"1\" stroke=\"#D55E00\" points=\"1,2 5,2 5,7 \"/>";
        assert_eq!(path(tag, "a-", ""), "<path fill=\"none\" stroke=\"#D55E00\" d=\"M1 2h4v5\"/>");
        let odd = "<polyline points=\"1.5,2 3,4\"/>";
        assert_eq!(path(odd, "a-", ""), odd, "what is not whole stays as it is");
        let area = "<polygon fill=\"#EEEEEE\" points=\"1,2 5,2 5,7 \"/>";
        assert_eq!(path(area, "a-", "z"), "<path fill=\"#EEEEEE\" d=\"M1 2h4v5z\"/>");
    }

    #[test]
    fn ids_get_their_prefix_wherever_they_are_named() {
        let svg = "<svg viewBox=\"0 0 1 1\"><clipPath id=\"a\"/><g clip-path=\"url(#a)\"><use href=\"#a\"/></g></svg>";
        let html = inline(svg, "c7-");
        assert!(
            html.contains("id=\"c7-a\"") && html.contains("url(#c7-a)") && html.contains("href=\"#c7-a\""),
            "{html}"
        );
    }

    #[test]
    fn the_title_names_the_chart_and_tooltips_are_left_to_the_page() {
        let svg = "<svg role=\"img\" width=\"1600\" height=\"900\" viewBox=\"0 0 1600 900\" xmlns=\"x\">\n<title>a &quot;b&quot;</title>\n<desc>c &lt; d</desc>\n<g data-tip=\"tip\"><title>tip</title>\n<text font-family=\"sans-serif\" font-size=\"33.87096\" x=\"1\">\n5 &lt; 6\n</text></g></svg>\n";
        let html = inline(svg, "x");
        assert_eq!(
            html,
            "<svg role=\"img\" viewBox=\"0 0 1600 900\" aria-label=\"a &quot;b&quot;. c &lt; d\"><g data-tip=\"tip\"><text font-size=\"33.9\" x=\"1\">5 &lt; 6</text></g></svg>"
        );
    }
}
