"""How long buyers' data is kept, what stops its removal, and how it is removed.

`rules` are pure functions; docs/decisions/0009-when-buyers-data-goes.md says why they are so.
"""

from platforms.keeping.forecast import Emptying, will_empty

__all__ = ["Emptying", "will_empty"]
