"use strict";
(function () {
  var now = new Date(), part = function (n) { return (n < 10 ? "0" : "") + n; };
  var today = now.getFullYear() + "-" + part(now.getMonth() + 1) + "-" + part(now.getDate());
  document.querySelectorAll("[data-due]").forEach(function (one) {
    if (today > one.dataset.due) { one.hidden = !one.hidden; }
  });
})();
