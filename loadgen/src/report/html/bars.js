// Horizontal bars: one per status code.

const PHRASES = {
  100: "Trying",
  180: "Ringing",
  181: "Call Is Being Forwarded",
  182: "Queued",
  183: "Session Progress",
  200: "OK",
  202: "Accepted",
  301: "Moved Permanently",
  302: "Moved Temporarily",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  423: "Interval Too Brief",
  480: "Temporarily Unavailable",
  481: "No Such Call",
  483: "Too Many Hops",
  486: "Busy Here",
  487: "Request Terminated",
  488: "Not Acceptable Here",
  491: "Request Pending",
  500: "Server Internal Error",
  501: "Not Implemented",
  503: "Service Unavailable",
  504: "Server Time-out",
  600: "Busy Everywhere",
  603: "Decline",
  604: "Does Not Exist",
};

// "404 Not Found"; the code alone if its phrase is not known.
function codeName(code) {
  return PHRASES[code] ? `${code} ${PHRASES[code]}` : String(code);
}

// Bars of counts by code, each with its number.
function codesPlot(host, codes) {
  const label = "Responses by status code";
  if (codes.length === 0) {
    host.append(el("p", { class: "nothing", text: "No response came." }));
    return;
  }
  const svg = sv("svg", { "data-plot": "codes", role: "img", "aria-label": label });
  host.append(el("figure", { class: "plot" }, svg));
  const most = Math.max(...codes.map((one) => one.count));
  painted(host, (width) => {
    const row = 40;
    const figures = SYMBOLS_WIDTH * number(most).length + 12;
    const end = scale(0, most || 1, 2, width - figures - 4);
    cleared(svg, label, width, codes.length * row + 4);
    codes.forEach((one, position) => {
      const y = position * row;
      svg.append(
        sv("text", { class: "name", x: 2, y: y + 14, text: codeName(one.code) }),
        sv("rect", {
          class: "track",
          x: 2,
          y: y + 20,
          width: width - figures - 6,
          height: 12,
          rx: 2,
        }),
        sv("rect", {
          class: `bar k${codeColor(one.code)}`,
          x: 2,
          y: y + 20,
          width: Math.max(2, end(one.count) - 2).toFixed(1),
          height: 12,
          rx: 2,
        }),
        sv("text", {
          class: "name figure",
          x: width - 2,
          y: y + 30,
          "text-anchor": "end",
          text: number(one.count),
        }),
      );
    });
  });
}
