"""One run of a report: parameters read, kernels started, notebooks executed, success proved."""
