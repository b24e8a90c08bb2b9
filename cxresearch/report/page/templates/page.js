"use strict";
document.querySelectorAll("a.link").forEach(function (link) {
  link.addEventListener("click", function () {
    if (!navigator.clipboard) { return; }
    navigator.clipboard.writeText(link.href).then(function () {
      var said = document.querySelector("[data-copied]");
      said.textContent = said.dataset.copied;
      link.classList.add("copied");
      setTimeout(function () { said.textContent = ""; link.classList.remove("copied"); }, 2000);
    }, function () {});
  });
});
document.querySelectorAll("th[data-order]").forEach(function (head) {
  var body = head.closest("table").tBodies[0], rows = Array.from(body.rows), button = document.createElement("button");
  button.type = "button";
  button.className = "sort";
  button.append.apply(button, Array.from(head.childNodes));
  head.append(button);
  button.addEventListener("click", function () {
    var down = head.getAttribute("aria-sort") === "ascending";
    var order = head.dataset.order.split(" ").map(Number), known = order.slice(0, order.length - head.dataset.unknown);
    if (down) { known.reverse(); }
    known.concat(order.slice(known.length)).forEach(function (place) { body.append(rows[place]); });
    head.closest("tr").querySelectorAll("th").forEach(function (one) { one.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
  });
});
