"""What a page must offer to people who see little, or who use a keyboard or a screen reader; shadow trees are looked through."""

from __future__ import annotations

from playwright.sync_api import Page

_ALL = """const all = (root, out = []) => { for (const e of root.querySelectorAll('*')) { out.push(e); if (e.shadowRoot) all(e.shadowRoot, out); } return out; };
  const up = e => e.assignedSlot ?? e.parentElement ?? e.getRootNode().host;
  const shown = e => e.checkVisibility({opacityProperty: true, visibilityProperty: true}) && e.getClientRects().length > 0;"""  # noqa: E501
_WEAK = (
    "() => {"
    + _ALL
    + """
  const parts = c => { const m = c.match(/[\\d.]+/g).map(Number); return c.startsWith('color(srgb') ? [m[0]*255, m[1]*255, m[2]*255, m[3] ?? 1] : [m[0], m[1], m[2], m[3] ?? 1] };
  const light = ([r, g, b]) => { const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; return .2126*f(r) + .7152*f(g) + .0722*f(b) };
  const over = (top, under) => [0, 1, 2].map(i => top[i]*top[3] + under[i]*(1 - top[3])).concat(1);
  const ground = e => { if (!e) return [255, 255, 255, 1];
    const style = getComputedStyle(e), veil = style.backgroundImage.match(/^linear-gradient\\((rgba?\\([^)]*\\))/);
    let c = parts(style.backgroundColor); if (c[3] < 1) c = over(c, ground(up(e)));
    return veil ? over(parts(veil[1]), c) : c };
  const through = e => { let o = 1; for (; e; e = up(e)) o *= Number(getComputedStyle(e).opacity); return o };
  const texts = all(document.body).filter(e => !e.closest('svg, style, script, option') && !e.closest('[disabled], .Mui-disabled, [aria-disabled=true], [aria-hidden=true]')
    && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && shown(e));
  return texts.map(e => { const under = ground(e), c = parts(getComputedStyle(e).color); c[3] *= through(e);
    const a = light(over(c, under)), b = light(under), size = parseFloat(getComputedStyle(e).fontSize);
    return [(Math.max(a, b) + .05) / (Math.min(a, b) + .05) / (size >= 24 ? 3 : 4.5), e.textContent.trim().slice(0, 40)] }).filter(x => x[0] < 1).map(x => `${x[1]} (${(x[0] * 4.5).toFixed(1)})`);
}"""  # noqa: E501
)
_NAMELESS = (
    "() => {"
    + _ALL
    + """
  const name = e => e.getAttribute('aria-label') || e.title || e.alt || e.textContent.trim() || e.placeholder
    || [...(e.labels ?? [])].map(l => l.textContent).join('') || (e.getAttribute('aria-labelledby') ?? '').split(' ').map(i => e.getRootNode().getElementById(i)?.textContent ?? '').join('');
  return all(document.body).filter(e => e.matches('a[href], button, input, select, textarea, [role=button], [role=slider], [role=tab], [role=combobox], img')
    && e.type !== 'hidden' && !e.closest('[aria-hidden=true]') && shown(e) && !name(e)).map(e => e.outerHTML.slice(0, 160));
}"""  # noqa: E501
)


def weak_texts(page: Page) -> list[str]:
    """Texts whose contrast to what lies behind them is below 4.5 (3 from 24 px on), with it; disabled controls are left out."""
    weak: list[str] = page.evaluate(_WEAK)
    return weak


def nameless(page: Page) -> list[str]:
    """Controls and pictures that a screen reader could not name, as HTML."""
    found: list[str] = page.evaluate(_NAMELESS)
    return found
