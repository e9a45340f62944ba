# A day with git: everything happens in the working directory.
set -e
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_AUTHOR_DATE='1998-07-24T12:00Z'
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org GIT_COMMITTER_DATE='1998-07-24T12:00Z'
git init -q -b main origin
cd origin
for i in 1 2 3 4 5; do echo $i > file$i; done
git add .
git commit -qm one
cd ..
git clone -q origin copy
cd copy
echo changed >> file1
git status --short
git commit -qam two
git checkout -qb branch
echo new > file6
git add file6
git commit -qm three
git checkout -q main
git merge -q --no-ff -m merged branch
git log --graph --oneline | cat
git tag -a v1 -m v1
git describe
git push -q origin branch
git fetch -q
echo stashed >> file2
git stash -q
git stash pop -q
git diff --stat
git checkout -q .
git rebase -q HEAD~1
git submodule status
git gc -q
git fsck
git archive HEAD | wc -c
git ls-files --stage
