#!/bin/sh
# The most frequent words of the text on stdin, with their counts: words.sh HOW_MANY
tr 'A-Z' 'a-z' | tr -cs 'a-z' '\n' | sed '/^$/d' | sort | uniq -c | sort -k1,1nr -k2 | head -n "${1:-10}" |
    sed 's/^ *//'
