"""Numbers, intervals and tables as a reader sees them."""

from decimal import ROUND_HALF_UP, Decimal


def number(value, digits=3):
    """Write a number in so many significant digits, trailing zeros kept, without exponent."""
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return f"{value:.{max(digits - 1 - exponent, 0)}f}"


def interval(middle, low, high, write=number):
    """Write a middle and its range: 0.308 (0.165–0.602)."""
    return f"{write(middle)} ({write(low)}–{write(high)})"


def rounded(value, decimals):
    """Round half up to the printed decimals, as a Decimal."""
    step = Decimal(1).scaleb(-int(decimals))
    return Decimal(repr(float(value))).quantize(step, rounding=ROUND_HALF_UP)


def markdown_table(header, rows):
    """Write a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(c) for c in line) + " |" for line in lines)


def cell_number(value):
    return "" if value != value else f"{value:.4g}"


def yes(flag):
    return "yes" if flag else "no"
