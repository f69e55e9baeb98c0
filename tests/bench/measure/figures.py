# SPDX-License-Identifier: MIT
"""Medians, spreads and tables."""
import statistics


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def spread(runs, key, form="{:,.0f}"):
    """`median (lowest to highest)`; of one run only the figure."""
    values = [run[key] for run in runs]
    text = form.format(statistics.median(values))
    if len(values) > 1:
        text += f" ({form.format(min(values))} to {form.format(max(values))})"
    return text


def ratios(runs, others, key):
    """Of runs that alternated: the median of the ratios of neighbours."""
    return statistics.median(run[key] / other[key] for run, other in zip(runs, others) if other[key] > 0)


def table(columns, rows):
    """Lines of a Markdown table."""
    return ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns),
            *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)]


def slope(points):
    """Least squares: units of y for one unit of x; 0 for fewer than two points."""
    count = len(points)
    if count < 2:
        return 0.0
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    wide = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / wide if wide else 0.0
