# An hour of a shell in a project directory.
own=$(mktemp -d)
cat << 'END' | sort -r | head -2
a
b
c
END
diff <(seq 3) <(seq 4)
paste <(printf '1\n2\n') - <<< $'x\ny'
echo $((1 + 2)) > "$own/n"
exec 3<> "$own/n"
read -r x <&3
echo "x=$x"
mkdir -p sub/deep
for i in 1 2 3; do echo $i > sub/deep/$i; done
find sub -type f | sort | xargs cat
mv sub moved
rm -r moved
(sleep 0.05; echo behind) & wait
trap 'echo USR1' USR1
kill -USR1 $$
coproc cat
echo 'through a coprocess' >&"${COPROC[1]}"
read -r line <&"${COPROC[0]}"
echo "$line"
sed -i s/one/two/ notes
awk '{ print NR, $0 }' notes
mv notes notes2
ln -s notes2 notes
wc -l < notes
tar c notes2 | gzip | gzip -d | tar t
git status --short
git clone -q . "$own/clone"
cp notes2 "$own/clone/notes2"
cd "$own/clone"
git add -A
git -c user.name=a -c user.email=a@example.org commit -qm two
git log --format=%s
git diff HEAD~1 --stat
cd "$OLDPWD"
perl -e 'print "perl\n"'
timeout 0.1 sleep 5
echo $?
rm -r "$own"
