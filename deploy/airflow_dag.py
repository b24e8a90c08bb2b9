"""The monthly report under Airflow: one run a month, catching up by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator

COMMAND = (
    "/opt/cxresearch/.venv/bin/cxresearch report monthly"
    " --period {{ data_interval_start.strftime('%Y-%m') }} --out /srv/reports"
)

with DAG(
    dag_id="cxresearch_monthly",
    schedule="@monthly",
    start_date=datetime(2026, 1, 1),
    catchup=True,
    max_active_runs=2,
    # The runner retries what can pass; what a cell raises would be raised again.
    default_args={"retries": 0, "execution_timeout": timedelta(hours=2), "email_on_failure": True},
) as dag:
    BashOperator(task_id="report", bash_command=COMMAND, skip_on_exit_code=75)
