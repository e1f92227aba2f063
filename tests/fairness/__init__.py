"""One member's expensive operations against everybody else's."""
