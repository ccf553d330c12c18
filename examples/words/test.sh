# Tests words.sh and writes a report as JUnit does: test.sh REPORT
mkdir -p "$(dirname "$1")"
tests=0 failures=0 cases=
check() { # name, text, how many, expected
    tests=$((tests + 1))
    told=$(printf '%s' "$2" | ./words.sh "$3")
    if [ "$told" = "$4" ]; then
        echo "ok      $1"
        cases="$cases<testcase classname=\"words\" name=\"$1\" time=\"0.01\"/>"
    else
        failures=$((failures + 1))
        echo "FAILED  $1: '$told' is not '$4'"
        cases="$cases<testcase classname=\"words\" name=\"$1\" time=\"0.01\"><failure message=\"$told\"/></testcase>"
    fi
}
check "words are counted" "a b a" 9 "2 a
1 b"
check "case does not matter" "Tree tree TREE" 9 "3 tree"
check "only so many are told" "c b a" 2 "1 a
1 b"
check "no text, no words" "" 9 ""
printf '<testsuite name="words" tests="%s" failures="%s">%s</testsuite>\n' "$tests" "$failures" "$cases" > "$1"
[ "$failures" = 0 ]
