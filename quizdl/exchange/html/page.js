"use strict";
// Folds open and close, and the page is printed as text or as cards. Without this script the
// page can be read and printed all the same.
const folds = () => document.querySelectorAll("details");
const on = (id, act) => document.getElementById(id).addEventListener("click", act);
const cards = (yes) => document.body.classList.toggle("print-cards", yes);

on("open", () => folds().forEach((fold) => { fold.open = true; }));
on("close", () => folds().forEach((fold) => { fold.open = false; }));
on("text", () => { cards(false); window.print(); });
on("cards", () => { cards(true); window.print(); });

let opened = [];
window.addEventListener("beforeprint", () => {
  opened = [...folds()].filter((fold) => !fold.open);
  opened.forEach((fold) => { fold.open = true; });
});
window.addEventListener("afterprint", () => opened.forEach((fold) => { fold.open = false; }));

// A link into a folded answer opens the way to it.
const reveal = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  if (target) target.scrollIntoView();
};
window.addEventListener("hashchange", reveal);
if (location.hash === "#cards") cards(true); else reveal();
