"""Files of SPSS and Stata: labels of answers, labels of questions, values that are declared missing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyreadstat

LABELLED = (".sav", ".zsav", ".dta")


def read_labelled(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    """The rows, and the wording of each column that has one.

    A column in which every answer has a label comes back as the labels; one with labels on some values only keeps its
    codes. Raises ValueError for a file that cannot be read.
    """
    reader = pyreadstat.read_dta if path.suffix.lower() == ".dta" else pyreadstat.read_sav
    try:
        responses, meta = reader(path)
    except (pyreadstat.ReadstatError, pyreadstat.PyreadstatError) as error:
        raise ValueError(str(error)) from error
    for column, labels in meta.variable_value_labels.items():
        if responses[column].dropna().isin(list(labels)).all():
            responses[column] = responses[column].map(labels)
    return responses, {name: text for name, text in meta.column_names_to_labels.items() if text}
