"""From notebooks and parameters to one published report: parameters -> run -> render -> publish -> history."""
