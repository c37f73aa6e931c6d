//! How a diagnostic looks.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Source, Span};

/// Longer lines are shown around what matters only; in bytes.
const LONG_LINE: usize = 500;

/// Places that are further apart are not shown together; in bytes.
const FAR: usize = 1 << 16;

impl Source {
    /// `diagnostic` as rustc would show it, without a newline at the end.
    #[must_use]
    pub fn render(&self, diagnostic: &Diagnostic, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let title = Level::ERROR.primary_title(&diagnostic.message);
        let help = diagnostic.help.iter().map(|help| Level::HELP.message(help));
        let mut groups = self.groups(Group::with_title(title), diagnostic);
        let last = groups.pop().expect("the title is in one");
        groups.push(last.elements(help));
        renderer.render(&groups)
    }

    fn groups<'a>(&'a self, title: Group<'a>, diagnostic: &'a Diagnostic) -> Vec<Group<'a>> {
        let primary = (self.first_line_of(diagnostic.span), &*diagnostic.label);
        let also =
            || diagnostic.also.iter().map(|also| (self.first_line_of(also.span), &*also.text));
        let all = also().fold(primary.0, |all, (span, _)| all.and(span));
        let (start, lines) = self.lines_of(all);
        let is_short = lines.len() <= FAR && lines.lines().all(|line| line.len() <= LONG_LINE);
        if !is_short {
            let first = self.around(title, primary, AnnotationKind::Primary);
            let others = also().map(|also| {
                let group = Group::with_level(Level::NOTE);
                self.around(group, also, AnnotationKind::Context)
            });
            return first.into_iter().chain(others.flatten()).collect();
        }
        // Only the lines concerned are handed over: the text may be long.
        let annotate = |kind: AnnotationKind, (span, label): (Span, &'a str)| {
            let range = span.range();
            let annotation = kind.span(range.start - start..range.end - start);
            if label.is_empty() { annotation } else { annotation.label(label) }
        };
        let snippet = Snippet::source(lines)
            .line_start(self.locate(Span::new(start, start)).line as usize)
            .path(self.name())
            .annotation(annotate(AnnotationKind::Primary, primary))
            .annotations(also().map(|also| annotate(AnnotationKind::Context, also)));
        vec![title.element(snippet)]
    }

    /// Adds the part of a very long line around `span`.
    fn around<'a>(
        &'a self,
        group: Group<'a>,
        (span, label): (Span, &'a str),
        kind: AnnotationKind,
    ) -> [Group<'a>; 2] {
        const BEFORE: usize = 60;
        const AFTER: usize = 100;
        let (start, lines) = self.lines_of(Span { end: span.start, ..span });
        let line = lines.trim_end_matches(['\n', '\r']);
        let at = (span.range().start - start).min(line.len());
        let from = line.floor_char_boundary(at.saturating_sub(BEFORE));
        let to = line.floor_char_boundary((at + AFTER).min(line.len()));
        let gap = |is_cut: bool| if is_cut { "..." } else { "" };
        let (before, after) = (gap(from > 0), gap(to < line.len()));
        let shown = format!("{before}{}{after}", &line[from..to]);
        let at = at - from + before.len();
        let len = span.range().len().min(shown.len() - after.len() - at);
        let annotation = kind.span(at..at + len);
        let location = self.locate(span);
        let origin = Origin::path(self.name())
            .line(location.line as usize)
            .char_column(location.column as usize);
        let snippet = Snippet::source(shown)
            .line_start(location.line as usize)
            .annotation(if label.is_empty() { annotation } else { annotation.label(label) });
        // In a group with the place, the snippet would be taken for one of another file.
        [group.element(origin), Group::with_level(Level::ERROR).element(snippet)]
    }

    /// `span` up to the end of its first line, so that a block is underlined where it begins.
    fn first_line_of(&self, span: Span) -> Span {
        let text = self.text().get(span.range()).unwrap_or_default();
        let line = text.find('\n').map_or(text, |end| &text[..end]).trim_end();
        Span { start: span.start, end: span.start + line.len() as u32 }
    }
}
