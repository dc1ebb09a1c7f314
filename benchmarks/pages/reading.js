// What a page says of itself, its links, and its text that a reader cannot see whole.
() => {
  const isCut = text => {
    const range = document.createRange();
    range.selectNodeContents(text);
    const box = range.getBoundingClientRect();
    if (!box.width || !text.parentElement.checkVisibility({ visibilityProperty: true })) return false;
    let block = null;
    for (let one = text.parentElement; one !== document.documentElement; one = one.parentElement) {
      const style = getComputedStyle(one);
      const room = one.getBoundingClientRect();
      // For programs that read pages aloud, or until the keyboard comes to it.
      if (style.clipPath !== "none" || room.width <= 1 || room.bottom <= 0) return false;
      const isPast = box.right > room.right + 2 || box.left < room.left - 2;
      const isBelow = box.bottom > room.bottom + 4 || box.top < room.top - 4;
      if (/auto|scroll/.test(style.overflowX + style.overflowY)) return false;
      if (style.textOverflow === "ellipsis" && one.closest("[title]")) return false;
      if (/hidden|clip/.test(style.overflowX) && isPast) return true;
      if (/hidden|clip/.test(style.overflowY) && isBelow) return true;
      if (block === null && !/inline$|contents/.test(style.display) && !one.closest("svg")) {
        block = one;
        if (isPast) return true; // over what stands beside it
      }
      if (style.position === "fixed") return false;
    }
    return false;
  };
  const named = one => {
    const classes = [...one.classList].slice(0, 3).map(name => `.${name}`).join("");
    return `${one.localName}${one.id ? `#${one.id}` : ""}${classes}`;
  };
  const cut = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text; (text = texts.nextNode());) {
    if (text.data.trim() && !text.parentElement.closest("script, style, option, noscript") && isCut(text))
      cut.push(`${named(text.parentElement)} "${text.data.trim().slice(0, 40)}"`);
  }
  const links = [...document.querySelectorAll("a[href]")]
    .map(one => new URL(one.getAttribute("href"), document.baseURI)); // of an SVG, `href` is an object
  const here = links.filter(one => one.origin === location.origin);
  return {
    title: document.title,
    description: document.querySelector("meta[name=description]")?.content ?? "",
    language: document.documentElement.lang,
    cut,
    links: [...new Set(here.map(one => one.pathname + one.search + one.hash))],
    gone: here
      .filter(one => one.pathname + one.search === location.pathname + location.search)
      .map(one => decodeURIComponent(one.hash.slice(1)))
      .filter(id => id && !document.getElementById(id)),
    broken: [...document.images].filter(one => one.complete && !one.naturalWidth).map(one => one.src),
  };
}
