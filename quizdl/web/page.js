"use strict";
// What textual.js lacks: where its websocket is, the fonts before xterm measures them, the
// keyboard without a click, and the reason why a session ended.
{
  const terminal = document.getElementById("terminal");
  const said = document.getElementById("said");
  const again = document.getElementById("again");

  terminal.dataset.sessionWebsocketUrl = `ws://${location.host}/ws`;
  terminal.dataset.fontSize = new URLSearchParams(location.search).get("fontsize") || "16";
  again.addEventListener("click", () => location.reload());

  let reason = said.dataset.lost;
  window.WebSocket = class extends WebSocket {
    constructor(...where) {
      super(...where);
      this.addEventListener("message", ({ data }) => {
        if (typeof data !== "string") return;
        const [kind, text] = JSON.parse(data);
        if (kind === "ended") reason = text;
      });
      this.addEventListener("close", () => {
        said.textContent = reason;
        setTimeout(() => again.focus());  // once it is shown
      });
      addEventListener("pagehide", () => this.close());  // or the browser may keep it, frozen
    }
  };

  new MutationObserver((_, watch) => {
    if (!document.body.classList.contains("-first-byte")) return;
    watch.disconnect();
    document.querySelector(".xterm-helper-textarea").focus();
  }).observe(document.body, { attributeFilter: ["class"] });

  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

  const start = window.onload;
  window.onload = async (event) => {
    const styles = ["16px", "bold 16px", "italic 16px", "italic bold 16px"];
    await Promise.allSettled(
      styles.map((style) => document.fonts.load(`${style} "Roboto Mono"`, "a中")),
    );
    start(event);
  };
}
