"""Why an order is not here: one reason in a word, sentences for people, and the one fix.

`flows/find_order.py` decides; what is in our own rows first (`own_rows.py`), the platform asked
last (`asking.py`). Nothing here carries buyers' data.
"""
