"use strict";
document.querySelectorAll("[data-whatif]").forEach(function (box) {
  var rows = box.querySelectorAll("tbody tr"), lever = box.querySelector("[data-lever]"), waiting;
  function written(x) {
    x = Number(x.toPrecision(3));
    var parts = String(Math.abs(x)).split(".");
    parts[0] = parts[0].replace(/\B(?=(\d{3})+$)/g, box.dataset.thousands);
    return (x < 0 ? "−" : "") + parts.join(box.dataset.decimal);
  }
  function show() {
    var row = rows[lever.value], said = [];
    lever.setAttribute("aria-valuetext", row.cells[0].textContent);
    rows.forEach(function (one) { one.classList.toggle("at", one === row); });
    box.querySelectorAll("output[data-column]").forEach(function (out) {
      out.value = row.cells[out.dataset.column].textContent;
    });
    box.querySelectorAll("[data-values]").forEach(function (input) {
      var each = written(+input.value) + " " + input.dataset.unit;
      input.setAttribute("aria-valuetext", each);
      box.querySelector("output[data-each='" + input.id + "']").value = each;
      box.querySelector("output[data-product='" + input.id + "']").value =
        written(input.dataset.values.split(" ")[lever.value] * input.value) + " " + input.dataset.unit;
    });
    box.querySelectorAll("dl > div").forEach(function (pair) {
      said.push(pair.querySelector("dt").textContent + ": " + pair.querySelector("output").value);
    });
    clearTimeout(waiting);
    waiting = setTimeout(function () { box.querySelector("[data-say]").textContent = said.join("; "); }, 500);
  }
  box.addEventListener("input", show);
  box.querySelector("[data-moved]").hidden = false;
  show();
});
