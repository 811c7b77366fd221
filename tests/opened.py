"""What the figures of a page of HTML open, as a parser reads it."""

from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input", "link", "meta"}


class _Figures(HTMLParser):
    def __init__(self):
        super().__init__()
        self.within, self.found = [], []

    def handle_starttag(self, tag, attrs):
        own = dict(attrs)
        if tag in ("img", "svg"):
            links = [each["href"] for name, each in self.within if name == "a" and "href" in each]
            # an element that a keyboard leaves out, or without a name, opens nothing for everybody
            reached = all(each.get("tabindex") != "-1" for _, each in self.within)
            named = own.get("alt") or own.get("aria-labelledby")
            self.found.append((links[-1] if links and reached else None, named))
        if tag not in VOID:
            self.within.append((tag, own))

    def handle_endtag(self, tag):
        while self.within and self.within.pop()[0] != tag:
            pass


def opened(page):
    """Path that each figure of a page opens, or None, and its text or what names that."""
    figures = _Figures()
    figures.feed(page)
    return figures.found
