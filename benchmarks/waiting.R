# One fit in R survival, timed; called by waiting.py as: Rscript waiting.R FILE.csv TASK
suppressMessages(library(survival))
arguments <- commandArgs(trailingOnly = TRUE)
rows <- read.csv(arguments[1], stringsAsFactors = TRUE)
for (name in c("queue", "weekday", "hour_band")) rows[[name]] <- factor(rows[[name]])
begun <- proc.time()[["elapsed"]]
value <- switch(arguments[2],
  kaplan_meier = {
    fit <- survfit(Surv(wait_s, outcome == "abandoned") ~ hour_band, rows)
    summary(fit, times = 60)$surv[1]
  },
  aalen_johansen = {
    rows$state <- factor(rows$outcome, levels = c("open", "abandoned", "answered"))
    fit <- survfit(Surv(wait_s, state) ~ 1, rows)
    summary(fit, times = 60)$pstate[1, 2]
  },
  cox = coef(coxph(Surv(wait_s, outcome == "abandoned") ~ queue + weekday + hour_band, rows, ties = "efron"))[1]
)
seconds <- proc.time()[["elapsed"]] - begun
cat(sprintf('{"fit_seconds": %.6f, "value": %.15g}\n', seconds, unname(value)))
