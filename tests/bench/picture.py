"""Draws the benchmark's ratios as bars in an SVG picture."""

from xml.sax.saxutils import escape

COLORS = {'integer': '#3b6ea5', 'memory': '#4f9d69', 'fp': '#c0803a',
          'system': '#8a5a9e', 'codegen': '#b5525c', 'boot': '#555555'}
LEFT, RIGHT, ROW, TOP = 110, 60, 22, 50
WIDTH = 720


def text(x, y, what, anchor='start', size=12, weight='normal'):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
            f'font-size="{size}" font-weight="{weight}">{escape(what)}</text>')


def svg(rows, means, boot):
    """The picture's text.  A line marks 1: as fast as the reference."""
    bars = [(r['name'], r['group'], r['ratio']) for r in rows if r['ratio']]
    bars += [(f'mean {name}', name, value) for name, value in means.items()]
    if boot:
        bars.append(('kernel boot', 'boot', boot))
    most = max([1.0] + [value for _, _, value in bars])
    unit = (WIDTH - LEFT - RIGHT) / most
    height = TOP + ROW * len(bars) + 20
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
           f'height="{height}" font-family="sans-serif">',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
           text(LEFT, 22, "Speed in units of the reference's", size=14,
                weight='bold')]
    for number, (name, group, value) in enumerate(bars):
        y = TOP + number * ROW
        out.append(text(LEFT - 8, y + 13, name, 'end'))
        out.append(f'<rect x="{LEFT}" y="{y}" width="{value * unit:.1f}" '
                   f'height="{ROW - 6}" fill="{COLORS.get(group, "#555")}"/>')
        out.append(text(LEFT + value * unit + 5, y + 13, f'{value:.2f}'))
    x = LEFT + unit
    out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" '
               f'y2="{height - 14}" stroke="black" stroke-dasharray="4 3"/>')
    out.append(text(x, TOP - 12, '1', 'middle'))
    out.append('</svg>\n')
    return '\n'.join(out)
