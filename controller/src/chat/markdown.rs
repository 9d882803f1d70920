//! Which lines of a comment people see as plain text. Pure.
//!
//! Markdown is read by `pulldown-cmark`, with the extensions that GitHub and Gitea render. A line counts when it is a line of
//! a paragraph at the top level: not in code, a quote, a list, a table, a heading, a footnote or a formula.
//!
//! Markdown knows no nesting of HTML: to it, what follows `<blockquote>` and an empty line is a paragraph like any other, and
//! so is what follows `<!-- a --> <!--`. A browser sees more. So the page's HTML goes through `html5gum`, a tokenizer by the
//! browsers' own rules, with a mark for each line that may count; a mark that is in a comment, in an attribute, or in an
//! element that quotes or hides its content, doesn't.

use std::collections::BTreeMap;

use html5gum::{Token, Tokenizer, emitters::default::DefaultEmitter};
use pulldown_cmark::{Event, Options, Parser, TagEnd};

/// What hosts render beyond `CommonMark`.
const EXTENSIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_TASKLISTS)
    .union(Options::ENABLE_MATH)
    .union(Options::ENABLE_GFM);

/// The elements whose text is no plain text: they quote, hide, strike it out, or show it as code, a heading, a list or a table.
/// All others, known or not, are seen through.
const NOT_PLAIN: [&[u8]; 42] = [
    b"blockquote",
    b"button",
    b"caption",
    b"code",
    b"dd",
    b"del",
    b"details",
    b"dialog",
    b"dl",
    b"dt",
    b"figcaption",
    b"h1",
    b"h2",
    b"h3",
    b"h4",
    b"h5",
    b"h6",
    b"iframe",
    b"kbd",
    b"math",
    b"noembed",
    b"noframes",
    b"noscript",
    b"object",
    b"ol",
    b"option",
    b"pre",
    b"q",
    b"s",
    b"samp",
    b"script",
    b"select",
    b"strike",
    b"style",
    b"svg",
    b"table",
    b"template",
    b"textarea",
    b"title",
    b"ul",
    b"var",
    b"xmp",
];

/// Markdown allows so much space before the text of a paragraph; more would be code.
const MAX_INDENT: usize = 3;

/// The lines that people see as plain text and that start with a slash, as they are shown: without the marks of code,
/// emphasis and links, and without HTML.
pub fn plain_lines(body: &str) -> Vec<String> {
    // A lone carriage return ends a line, too, but not every part of the parser knows that.
    let body = body.replace("\r\n", "\n").replace('\r', "\n");
    let mut page = Page::new(&body);
    for (event, range) in Parser::new_ext(&body, EXTENSIONS).into_offset_iter() {
        page.read(event, range.start);
    }
    page.end_line();
    visible(&page.html, page.lines)
}

/// A comment as far as it was read.
struct Page<'a> {
    body: &'a str,
    /// The HTML of the page, without its text: of that, browsers make no tags.
    html: String,
    /// The lines that may count, by where their mark is in the HTML.
    lines: BTreeMap<usize, String>,
    /// In how many blocks the present place is, paragraphs not counted.
    blocks: usize,
    in_paragraph: bool,
    /// In how many links, emphases and the like it is.
    inlines: usize,
    /// Whether nothing of the present line was shown yet.
    at_start: bool,
    line: Option<(usize, String)>,
}

impl<'a> Page<'a> {
    /// Stands for a line. Any tag would do: it is known by its place.
    const MARK: &'static str = "<x>";

    fn new(body: &'a str) -> Self {
        Self {
            body,
            html: String::new(),
            lines: BTreeMap::new(),
            blocks: 0,
            in_paragraph: false,
            inlines: 0,
            at_start: false,
            line: None,
        }
    }

    fn read(&mut self, event: Event<'_>, start: usize) {
        match event {
            Event::Start(tag) => self.enter(tag.to_end()),
            Event::End(tag) => self.leave(tag),
            Event::Text(text) => {
                self.begin_line(start);
                self.show(&text);
            }
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => self.show(&text),
            Event::Html(html) => self.html.push_str(&html),
            Event::InlineHtml(html) => {
                self.html.push_str(&html);
                self.at_start = false;
            }
            Event::SoftBreak | Event::HardBreak => {
                self.end_line();
                self.at_start = true;
            }
            Event::FootnoteReference(_) | Event::TaskListMarker(_) | Event::Rule => self.at_start = false,
        }
    }

    fn enter(&mut self, tag: TagEnd) {
        match kind(tag) {
            Kind::Paragraph => {
                // Ends a tag that the HTML before has left open.
                self.html.push_str("<p>");
                (self.in_paragraph, self.at_start) = (true, true);
            }
            Kind::Block => self.blocks += 1,
            Kind::Inline => {
                self.inlines += 1;
                self.at_start = false;
            }
        }
    }

    fn leave(&mut self, tag: TagEnd) {
        match kind(tag) {
            Kind::Paragraph => {
                self.end_line();
                self.in_paragraph = false;
            }
            Kind::Block => self.blocks = self.blocks.saturating_sub(1),
            Kind::Inline => self.inlines = self.inlines.saturating_sub(1),
        }
    }

    /// Begins a line that may count, if the text at this place is one.
    fn begin_line(&mut self, start: usize) {
        if !(self.in_paragraph && self.blocks == 0 && self.inlines == 0 && self.at_start) {
            return;
        }
        let (before, text) = self.body.split_at(start);
        let indent = before.rsplit('\n').next().unwrap_or_default();
        if text.starts_with('/') && indent.len() <= MAX_INDENT && indent.bytes().all(|b| b == b' ') {
            self.line = Some((self.html.len(), String::new()));
            self.html.push_str(Self::MARK);
        }
    }

    fn show(&mut self, text: &str) {
        self.at_start = false;
        if let Some((_, line)) = &mut self.line {
            line.push_str(text);
        }
    }

    fn end_line(&mut self) {
        self.lines.extend(self.line.take());
    }
}

/// What a tag of Markdown is to a line.
enum Kind {
    Paragraph,
    Block,
    Inline,
}

fn kind(tag: TagEnd) -> Kind {
    match tag {
        TagEnd::Paragraph => Kind::Paragraph,
        TagEnd::Heading(_)
        | TagEnd::BlockQuote(_)
        | TagEnd::CodeBlock
        | TagEnd::HtmlBlock
        | TagEnd::List(_)
        | TagEnd::Item
        | TagEnd::FootnoteDefinition
        | TagEnd::DefinitionList
        | TagEnd::DefinitionListTitle
        | TagEnd::DefinitionListDefinition
        | TagEnd::Table
        | TagEnd::TableHead
        | TagEnd::TableRow
        | TagEnd::TableCell
        | TagEnd::MetadataBlock(_) => Kind::Block,
        TagEnd::Emphasis
        | TagEnd::Strong
        | TagEnd::Strikethrough
        | TagEnd::Superscript
        | TagEnd::Subscript
        | TagEnd::Link
        | TagEnd::Image => Kind::Inline,
    }
}

/// The lines whose mark a browser sees, and sees in no element that is not plain.
fn visible(html: &str, mut lines: BTreeMap<usize, String>) -> Vec<String> {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    // After `<script>` and its like there are no tags.
    emitter.naively_switch_states(true);
    let mut open: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut visible = Vec::new();
    let of_list = |name: &[u8]| NOT_PLAIN.into_iter().find(|known| *known == name);
    // Reading from memory can't fail.
    for Ok(token) in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Token::StartTag(tag) => {
                if let Some(name) = of_list(&tag.name) {
                    *open.entry(name).or_default() += 1;
                } else if open.values().all(|count| *count == 0) {
                    visible.extend(lines.remove(&tag.span.start));
                }
            }
            Token::EndTag(tag) => {
                if let Some(count) = of_list(&tag.name).and_then(|name| open.get_mut(name)) {
                    *count = count.saturating_sub(1);
                }
            }
            Token::String(_) | Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => (),
        }
    }
    visible
}

#[cfg(test)]
mod tests;
