"""What slow and unhelpful customer service costs: from contact logs and cited surveys to reports."""

__version__ = "0.1.0"
