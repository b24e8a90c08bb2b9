"""The runs that stand: history, forecasts, publishing, delivery, freshness."""
