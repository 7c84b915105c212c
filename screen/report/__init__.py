"""The report: one self-contained HTML page of what a screen found."""

from muli.screen.report.build import ReportError, report

__all__ = ["ReportError", "report"]
