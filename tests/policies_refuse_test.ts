/** The policies that come with jail are no wider than they say. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
} from "@std/assert";
import { loadLayers } from "../src/jail/layers.ts";
import { loadSpec } from "../src/jail/load.ts";
import { withTemporary } from "../src/jail/temporary.ts";
import { compile } from "../src/policy/compile.ts";
import { mergeLayers } from "../src/policy/merge.ts";
import { landlockAbi } from "../src/sys/landlock.ts";
import { type Ended, ENGINES, fixture, jail, run } from "./harness.ts";
import { jailCommand } from "./jail.ts";
import { hasMachine, needs } from "./needs.ts";
import { ENV, type Files, ours, place } from "./policies/place.ts";

/** What a policy must refuse, and beside it what it must not. */
interface ReachCase {
  readonly policy: string;
  /** Attempts; `.` is the working directory. */
  readonly refused: string;
  /** Attempts that look as if nothing were there. */
  readonly absent?: string;
  readonly allowed: string;
  /** What a call of the network gives. */
  readonly net?: string;
  /** What a look gives at a secret where nothing may be seen. */
  readonly secret?: string;
}

const NO_WRITE = "make=./x make=/tmp/jail-reach write=./notes";
const NO_HOME = "list=/root list=/home read=./.ssh/id";

/** Secrets of a user whose home is neither /root nor in /home. */
const OF_A_USER =
  "read=./.ssh/id read=./snap/firefox/common/.mozilla/key4.db " +
  "read=./.bash_history read=./home/me/.npmrc read=./.cargo/credentials.toml";

const REACH: readonly ReachCase[] = [
  {
    policy: "minimal",
    refused: `${NO_WRITE} ${NO_HOME} read=/etc/passwd read=./notes list=. ` +
      "list=/etc see=/etc/passwd run=/bin/true run=./script",
    allowed: "fork= read=/dev/null write=/dev/null",
  },
  {
    policy: "sealed",
    refused: `${NO_WRITE} ${NO_HOME} read=/etc/passwd read=./notes list=. ` +
      "list=/proc read=/proc/self/maps read=/proc/uptime list=/sys",
    allowed: "read=/dev/null write=/dev/null",
  },
  {
    policy: "base",
    refused:
      `${NO_WRITE} ${NO_HOME} read=./notes list=. run=/bin/true run=./script`,
    allowed: "fork= read=/etc/passwd list=/usr list=/",
  },
  {
    policy: "default",
    refused: `${NO_WRITE} ${NO_HOME} list=/var read=/tmp`,
    allowed: "fork= read=/etc/passwd list=/usr read=./notes list=.",
  },
  {
    policy: "readonly",
    refused: `${NO_WRITE} ${OF_A_USER} read=/proc/kcore read=/proc/kmsg`,
    allowed: "fork= read=/etc/passwd list=/var list=/tmp read=./notes " +
      "read=./.npmrc",
  },
  {
    policy: "build",
    refused: `${NO_HOME} list=/var make=./.git/x make=./.git/hooks/x ` +
      "write=./.git/config list=/tmp make=/tmp/jail-reach",
    allowed: "fork= make=./x write=./notes",
    secret: "ENOENT",
  },
  {
    policy: "python",
    refused: `${NO_WRITE} ${NO_HOME} run=/bin/sh run=./script read=/tmp`,
    allowed: "fork= read=./notes list=/usr/lib",
    secret: "ENOENT",
  },
  {
    policy: "node",
    refused: `${NO_WRITE} ${NO_HOME} run=/bin/sh run=./script read=/tmp`,
    allowed: "fork= read=./notes list=/usr/lib",
    secret: "ENOENT",
  },
  {
    policy: "git",
    refused: `${NO_HOME} make=/tmp/jail-reach run=./script run=/bin/ls ` +
      "run=./.git/hooks/post-commit",
    allowed: "fork= make=./x make=./.git/x make=./.git/hooks/x write=./notes",
    secret: "ENOENT",
  },
  {
    policy: "agent",
    refused: `${NO_HOME} list=/var list=/tmp make=/tmp/jail-reach ` +
      "make=./.git/hooks/x make=./sub/.git " +
      "make=./.git/commondir write=./.git/config " +
      "write=./.git/hooks/post-commit make=./.git/modules/m/hooks/x " +
      "make=./.git/modules/m/x make=./.git/modules/x make=./.git/worktrees " +
      "make=./.git/rebase-apply make=./.git/sequencer " +
      "write=./.git/rebase-merge/git-rebase-todo make=./.git/rebase-merge/x " +
      "write=./sub/.git make=./.git/x make=./.git/index",
    absent: "read=./.env see=./.env write=./.env read=./sub/.env.local",
    allowed: "fork= make=./x " +
      "write=./notes read=./sub/.env.example",
    secret: "ENOENT",
  },
  {
    policy: "ls",
    refused: `${NO_WRITE} list=/root list=/ list=/etc run=/bin/true ` +
      "run=./script read=/etc/hosts",
    allowed: "list=. see=./notes read=/etc/passwd",
    net: "EPERM",
  },
  {
    policy: "gs",
    refused: `${NO_WRITE} ${NO_HOME} read=/etc/passwd read=./notes list=. ` +
      "list=/ run=/bin/sh run=./script make=./page.ps.x",
    allowed: "read=./page.ps make=./out/x list=/usr/share/fonts",
    net: "EPERM",
  },
];

const TREE: Files = {
  notes: "one\n",
  script: "#!/bin/sh\necho it ran\n",
  "page.ps": "%!\n",
  ".env": "KEY=1\n",
  ".ssh/id": "key\n",
  "snap/firefox/common/.mozilla/key4.db": "key\n",
  ".bash_history": "mysql -p\n",
  ".npmrc": "engine-strict=true\n",
  "home/me/.npmrc": "_authToken\n",
  ".cargo/credentials.toml": "token\n",
  ".git/config": "",
  ".git/hooks/post-commit": "#!/bin/sh\necho it ran\n",
  ".git/modules/m/hooks/keep": "",
  ".git/rebase-merge/git-rebase-todo": "",
  "out/keep": "",
  "sub/.env.local": "KEY=1\n",
  "sub/.env.example": "KEY=\n",
};

/** What no policy but `allow-all` lets a program do. */
function always(elsewhere: string): string[] {
  return [
    "read=/etc/shadow",
    `make=${elsewhere}/x`,
    `write=${elsewhere}/.ssh/id`,
    "make=/etc/jail-reach",
    "make=/usr/jail-reach",
    "write=/etc/passwd",
    "read=/proc/1/environ",
    "write=/proc/self/mem",
    "list=/proc/net",
    "read=/proc/net/unix",
    "read=/proc/self/net/tcp",
    "read=/proc/thread-self/net/tcp",
  ];
}

for (const engine of ENGINES) {
  for (const { policy, refused, absent, allowed, ...one } of REACH) {
    const { net = "EACCES", secret = "EACCES" } = one;
    const name = `-p ${policy} (${engine}) is no wider than it says`;
    Deno.test({
      ...needs(["gcc"], name),
      fn: async () => {
        await using inside = await place(TREE, "chmod -R a+rwX .");
        await using outside = await place(TREE, "chmod -R a+rwX .");
        const here = (attempts = ""): string[] =>
          attempts.split(" ").filter((one) => one !== "")
            .map((one) => one.replace("=.", `=${inside.path}/.`));
        const expected: [attempts: string[], result: string][] = [
          [[...always(outside.path), ...here(refused)], "EACCES"],
          [[`read=${outside.path}/.ssh/id`], secret],
          [here(absent), "ENOENT"],
          [here(allowed), "OK"],
          [["connect=1", "socket=/run/jail-reach"], net],
          [["signal=0", "signal=1"], "ESRCH"],
          [["trace=0", "trace=1"], "EPERM"],
        ];
        const attempts = expected.flatMap(([attempts]) => attempts);
        const ended = await jail(
          ["-p", policy],
          [fixture("reach"), ...attempts],
          { cwd: inside.path, env: ENV, engine },
        );
        const wanted = expected.flatMap(([attempts, result]) =>
          attempts.map((one) => `${one.replace("=", " ")}: ${result}`)
        );
        assertEquals(ended.stdout.trimEnd().split("\n"), wanted);
        assertEquals(ended.stderr, "");
      },
    });
  }

  Deno.test({
    ...needs(["gs"], `-p gs (${engine}) stops Ghostscript where it would not`),
    fn: async () => {
      await using directory = await place(
        { "page.ps": await ours("page.ps") },
        "mkdir out",
      );
      const gs = (...args: string[]): Promise<Ended> =>
        jail(["-p", "gs"], ["gs", "-q", "-dNOSAFER", "-dBATCH", ...args], {
          cwd: directory.path,
          env: ENV,
          engine,
        });
      const reads = await gs(
        "-dNODISPLAY",
        "-c",
        "(/etc/passwd) (r) file 100 string readstring pop print",
      );
      assertEquals([reads.code, reads.stdout.includes("root:")], [1, false]);
      const writes = await gs("-sDEVICE=png16m", "-o", "page.png", "page.ps");
      assertEquals(writes.code, 1);
      const left = [...Deno.readDirSync(directory.path)].map((one) => one.name);
      assertEquals(left.sort(), ["out", "page.ps"]);
      const runs = await gs("-dNODISPLAY", "-c", "(%pipe%id) (r) file");
      assertEquals(runs.code, 1);
    },
  });

  Deno.test({
    ...needs(["python3"], `-p python (${engine}) lets pip install nothing`),
    fn: async () => {
      await using directory = await place({
        "pyproject.toml": '[project]\nname = "x"\nversion = "1"\n',
      });
      const pip = ["/usr/bin/python3", "-m", "pip", "install", "--target=t"];
      const { code } = await jail(["-p", "python"], [...pip, "."], {
        cwd: directory.path,
        env: ENV,
        engine,
      });
      assertNotEquals(code, 0);
      assertEquals([...Deno.readDirSync(directory.path)].length, 1);
    },
  });

  Deno.test({
    ...needs(
      ["git"],
      `-p git (${engine}) passes over a hook of the repository`,
    ),
    fn: async () => {
      await using directory = await place(
        { "hooks/pre-commit": "#!/bin/sh\necho it ran; touch ran\n" },
        "git init -q && git config core.hooksPath hooks",
      );
      const commit = (...args: string[]): Promise<Ended> =>
        jail(
          ["-p", "git"],
          [
            "git",
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.org",
            ...args,
            "commit",
            "--allow-empty",
            "-qm",
            "one",
          ],
          { cwd: directory.path, env: ENV, engine },
        );
      const over = await commit();
      assertMatch(over.stderr, /'hooks\/pre-commit' hook was ignored/);
      assertEquals(over.code, 0);
      const without = await commit("-c", "core.hooksPath=/dev/null");
      assertEquals([without.code, without.stderr], [0, ""]);
      const left = [...Deno.readDirSync(directory.path)].map((one) => one.name);
      assertEquals(left.sort(), [".git", "hooks"]);
    },
  });

  Deno.test({
    ...needs(
      ["git"],
      `-p agent (${engine}) leaves what git runs as it is where .git is a link`,
    ),
    fn: async () => {
      await using directory = await place(
        {},
        "git init -q && mv .git kept && ln -s kept .git && mkdir -p kept/hooks",
      );
      for (const name of [".git/hooks/x", "kept/hooks/x", ".git/config"]) {
        const script = ["sh", "-c", `echo >>${name}`];
        const { stderr } = await jail(["-p", "agent"], script, {
          ...{ engine, cwd: directory.path },
        });
        assertMatch(stderr, /Permission denied/);
      }
    },
  });

  Deno.test({
    ...needs(
      ["git"],
      `-p agent (${engine}) makes no directory a repository for git outside`,
    ),
    fn: async () => {
      await using directory = await place({ notes: "one\n" }, "git init -q");
      // With settings of its own, and with those of another directory.
      const script = "mkdir -p src/objects src/refs src/tree; cd src; " +
        "printf '[core]\nbare = false\nworktree = tree\n" +
        "fsmonitor = touch ran; false\n' >config; " +
        "echo ref: refs/heads/main >HEAD; ln -s refs/heads/main HEAD; " +
        "cp config x && mv x HEAD; ln config HEAD; cd ..; " +
        "cp -r src $TMPDIR/src; touch $TMPDIR/src/HEAD; mv $TMPDIR/src lib";
      const cwd = directory.path;
      await jail(["-p", "agent"], ["sh", "-c", script], { cwd, engine });
      for (const name of ["src", "lib"]) {
        const { stdout, stderr } = await run(
          ["git", "rev-parse", "--absolute-git-dir"],
          { cwd: `${cwd}/${name}` },
        );
        assertEquals([stdout, stderr], [`${cwd}/.git\n`, ""]);
      }
    },
  });

  Deno.test({
    ...needs(["git"], `-p agent (${engine}) leaves what git runs as it is`),
    fn: async () => {
      await using directory = await place(
        { notes: "one\n", hook: "#!/bin/sh\necho it ran\n" },
        "git init -q && git add notes && " +
          "mkdir -p .git/hooks .git/modules/a/b .git/rebase-merge",
      );
      const state = async (): Promise<string> => {
        const list = "cat .git/config .git/index; find .git | sort; ls -A";
        const { stdout } = await run(["sh", "-c", list], {
          cwd: directory.path,
        });
        return stdout;
      };
      const before = await state();
      const tries = [
        "cp hook .git/hooks/pre-commit",
        "ln -s ../../hook .git/hooks/pre-commit",
        "ln hook .git/hooks/pre-commit",
        "mv hook .git/hooks/pre-commit",
        "mv .git/hooks old",
        "mv .git old",
        "rm -r .git/hooks",
        "git config core.fsmonitor ./hook",
        "git config core.hooksPath .",
        "echo x >> .git/config",
        "mv notes .git/config",
        "echo ../other > .git/commondir",
        "mv .git/modules old",
        "mv .git/modules/a .git/modules/c",
        "mv .git/modules/a/b .git/modules/a/c",
        "ln -s ../../other .git/modules/c",
        "ln -s ../../../other .git/modules/a/c",
        "ln -s ../other .git/worktrees",
        "echo exec ./hook > .git/rebase-merge/git-rebase-todo",
        "mkdir .git/rebase-apply",
        "mkdir .git/sequencer",
        "git add hook",
        "git -c user.name=a -c user.email=a@example.org commit -qm one",
        // What `git restore .` would write, anywhere, and run.
        "cp hook .git/index",
        "mv hook .git/index",
        "cp hook .git/index.lock",
        // By these git would write to a file outside.
        "ln -s ../../outside .git/COMMIT_EDITMSG",
        "mkdir .git/logs && ln -s ../../../outside .git/logs/HEAD",
        "ln -s ../../outside .git/FETCH_HEAD",
        "git init -q sub",
        "git clone -q . copy",
      ];
      for (const one of tries) {
        const { code } = await jail(["-p", "agent"], ["sh", "-c", one], {
          cwd: directory.path,
          env: ENV,
          engine,
        });
        assert(code !== 0, one);
        await run(["rmdir", "sub", "copy"], { cwd: directory.path });
        assertEquals(await state(), before, one);
      }
    },
  });

  Deno.test(`-p default (${engine}) keeps secrets of the environment`, async () => {
    const show = "echo ${GITHUB_TOKEN-none} ${DB_PASSWORD-none} ${HOME-none}";
    const ended = await jail([], ["sh", "-c", show], {
      env: { ...ENV, GITHUB_TOKEN: "1", DB_PASSWORD: "2" },
      engine,
    });
    assertEquals(ended.stdout, `none none ${ENV["HOME"]}\n`);
  });
}

/** Secrets of the system, in directories that shipped policies close, or by name. */
const IN_CLOSED_DIRECTORIES: readonly string[] = [
  ...["/etc/ipsec.d/private/key.pem", "/etc/swanctl/private/key.pem"],
  ...["/etc/ssl/private/key.pem", "/etc/letsencrypt/live/host/key.pem"],
  ...["/etc/openvpn/client/key", "/etc/wireguard/wg0.conf"],
  ...["/etc/bind/rndc.key", "/etc/ceph/ceph.client.admin.keyring"],
  ...["/etc/gitlab/gitlab-secrets.json", "/etc/pam_ldap.secret"],
];

/** Which of some files a policy lets be read, or written. */
async function readable(
  policy: string,
  paths: readonly string[],
  access: "read" | "write" = "read",
): Promise<string[]> {
  const layers = await loadLayers(
    policy,
    { cwd: "/", home: "/home/me", tmp: "/tmp/x", program: "/bin/cat" },
    "/",
  );
  const decider = compile(mergeLayers(layers), { realpath: (path) => path });
  return paths.filter((path) =>
    decider.decide({
      name: "openat",
      uses: [{ access, path, kind: "file" }],
    }).kind === "allow"
  );
}

Deno.test("base closes a directory of secrets with all that is in it", async () => {
  assertEquals(await readable("base", IN_CLOSED_DIRECTORIES), []);
});

Deno.test("base reads what is installed in /var/lib for programs, and no service's state", async () => {
  const installed = [
    ...["aspell/en-common.rws", "chicken/11/srfi-1.so", "ghostscript/CMap/H"],
    ...["gems/3.3.0/gems/x/lib/x.rb", "ghc/package.conf.d/x.conf"],
    ...["dpkg/status", "texmf/ls-R"],
  ].map((name) => `/var/lib/${name}`);
  const states = ["php/sessions/x", "redis/dump.rdb", "misc/x"]
    .map((name) => `/var/lib/${name}`);
  assertEquals(await readable("base", [...installed, ...states]), installed);
});

/** Where programs keep secrets of their user, beneath the home directory. */
const OF_PROGRAMS: readonly string[] = [
  ...[".authinfo", ".databrickscfg", ".msmtprc", ".terraformrc"],
  ...[".claude/.credentials.json", ".codex/auth.json", ".kaggle/kaggle.json"],
  ...[".m2/settings.xml", ".gradle/gradle.properties", ".composer/auth.json"],
  ...[".cache/huggingface/token", ".config/pypoetry/auth.toml"],
  ...[".config/Bitwarden CLI/data.json", ".config/hcloud/cli.toml"],
  ...[".config/mozilla/firefox/p/key4.db", ".config/Slack/Cookies"],
  ...[".var/app/com.google.Chrome/config/google-chrome/Default/Cookies"],
  ...[".local/share/TelegramDesktop/tdata/key", ".bitcoin/wallet.dat"],
  ...[
    ".oci/key.pem",
    ".pki/nssdb/key4.db",
    ".fly/config.yml",
    ".vnc/passwd",
    ".Xauthority",
  ],
  ...[".histfile", ".local/share/atuin/history.db", ".local/state/zsh/history"],
  ...[".claude.json", ".local/share/opencode/auth.json", ".huggingface/token"],
  ...[".config/borg/keys/x", ".config/syncthing/key.pem", ".config/aerc/x"],
  ...[".cloudflared/cert.pem", ".pulumi/credentials.json", ".supabase/x"],
  ...[".nuget/NuGet/NuGet.Config", ".bundle/config", ".yarnrc.yml"],
  ...[".erlang.cookie", ".offlineimaprc", ".davfs2/secrets", ".chef/me.pem"],
  ...[".docker/key.pem", ".docker/contexts/tls/x/docker/key.pem", "x.kdbx"],
  ...[".config/.wrangler/config/default.toml", ".config/Exodus/seed.seco"],
  ...[".config/Code/User/globalStorage/state.vscdb", ".acme.sh/account.conf"],
  ...[".config/google-chrome-for-testing/Default/Cookies", ".zen/p/key4.db"],
  ...[".local/share/password-store/x.gpg", ".local/share/gem/credentials"],
  ...[".pip/pip.conf", ".config/pip/pip.conf", ".dbt/profiles.yml"],
  ...[".foundry/keystores/x", ".minikube/ca.key", ".subversion/auth/x"],
  ...[".tsh/keys/host/me", ".doppler/.doppler.yaml", ".google_authenticator"],
  ...[".config/incus/client.key", ".config/goose/secrets.yaml", ".Renviron"],
  ...[".local/share/jupyter/runtime/jpserver-1.json", ".globus/userkey.pem"],
  ...[".kde4/share/apps/kwallet/x.kwl", ".config/opera-beta/Default/Cookies"],
  ...[".lima/_config/user", ".colima/_lima/_config/user", ".arcrc"],
  ...[".circleci/cli.yml", ".travis/config.yml", ".mutt/muttrc", ".tofurc"],
  ...[".microsoft/usersecrets/x/secrets.json", ".fastlane/spaceship/me/cookie"],
  ...[".dotnet/corefx/cryptography/x509stores/my/x.pfx", ".gsutil/credstore"],
  ...[".gcm/store/git/https/x", ".awsvault/keys/x", ".steampipe/config/x.spc"],
  ...[".config/tabby/config.yaml", ".config/fabric/.env", ".config/isyncrc"],
  ...[".config/toot/config.json", ".config/BeeperTexts/Cookies", ".zuliprc"],
  ...[".vscode-server-insiders/data/User/globalStorage/x", ".w3m/cookie"],
  ...[".cache/spotifyd/credentials.json", ".cache/zsh/history", ".bunfig.toml"],
  ...[".luarocks/upload_config.lua", ".ollama/id_ed25519", ".clasprc.json"],
  ...[".particle/particle.config.json", ".starkli-wallets/deployer/key.json"],
  ...[".aider.conf.yml", ".continue/config.yaml", ".cert/nm-openvpn/x-key.pem"],
  ...[".local/share/iamb/profiles/x/session.json", ".zsh/history"],
];

Deno.test("readonly reads no secret that a program keeps, and what is none", async () => {
  const kept = OF_PROGRAMS.map((name) => `/home/me/${name}`);
  const others = ["config/nvim/init.lua", "local/share/icons/x", "vimrc"]
    .map((name) => `/home/me/.${name}`);
  others.push("/home/me/app/.m2/settings.xml", "/home/me/app/.fly/script");
  others.push("/home/me/app/.wrangler/state/x", "/home/me/app/.yarnrc.yml");
  others.push("/home/me/app/.circleci/config.yml", "/home/me/app/.Renviron");
  others.push(
    "/home/me/.config/Code/User/settings.json",
    "/home/me/app/pip.conf",
  );
  others.push("/home/me/app/.aider.conf.yml", "/home/me/app/.continue/x");
  others.push("/home/me/app/bunfig.toml", "/home/me/.cache/zsh/zcompdump");
  assertEquals(await readable("readonly", [...kept, ...others]), others);
});

/** Where agents, runners, hosting services and others keep keys and tokens. */
const OF_LATER_PROGRAMS: readonly string[] = [
  ...[".gemini/mcp-oauth-tokens.json", ".codex/.credentials.json"],
  ...[".gemini/.env", ".codeium/windsurf/mcp_config.json", ".cursor/mcp.json"],
  ...[".config/vastai/vast_api_key", ".runpod/config.toml", "clearml.conf"],
  ...[".mlflow/credentials", ".ngc/config", ".kaggle/access_token"],
  ...[".config/earthengine/credentials", ".config/crush/crush.json"],
  ...[".config/pnpm/rc", ".config/pdm/config.toml", ".conan2/.conan.db"],
  ...[".rattler/credentials.json", ".julia/servers/pkg.example.org/auth.toml"],
  ...[".sbt/sonatype_central_credentials", ".gitlab-runner/config.toml"],
  ...["actions-runner/.credentials", "actions-runner/.credentials_rsaparams"],
  ...["app/.vagrant/machines/default/virtualbox/private_key", ".op/config"],
  ...[".config/encore/.auth_token", ".render/cli.yaml", ".koyeb.yaml"],
  ...[".config/storj/uplink/access.json", ".config/chezmoi/key.txt", ".megarc"],
  ...[".config/vesktop/Cookies", ".config/obs-studio/basic/p/x/service.json"],
  ...[".config/tox/me.tox", ".config/tox/chatlogs/friend.log"],
  ...[".config/firebase/me_application_default_credentials.json"],
  ...[".config/JetBrains/GoLand2026.1/c.pwd", ".convex/config.json"],
  ...[".IdentityService/msal.cache", ".duckdb/stored_secrets/x.duckdb_secret"],
  ...[".chia/mainnet/config/ssl/ca/private_ca.key", ".local/share/Bisq/x"],
  ...["x.psafe3", "x.opvault/default/band_0.js", "Monero/wallets/me/me.keys"],
];

Deno.test("readonly reads no key of agents, runners and hosting services", async () => {
  const kept = OF_LATER_PROGRAMS.map((name) => `/home/me/${name}`);
  kept.push("/etc/buildkite-agent/buildkite-agent.cfg");
  const others = ["/home/me/app/.cursor/mcp.json", "/home/me/app/.convex/x"];
  others.push(
    "/home/me/app/.spacelift/config.yml",
    "/home/me/.sbt/repositories",
  );
  others.push("/home/me/.gemini/settings.json", "/home/me/.codex/config.toml");
  others.push("/home/me/actions-runner/run.sh", "/home/me/app/clearml.conf");
  others.push("/home/me/.julia/packages/x", "/home/me/.config/obs-studio/x");
  others.push("/home/me/.config/tox/config.ini");
  others.push("/home/me/app/.vagrant/machines/default/virtualbox/id");
  others.push("/etc/buildkite-agent/hooks/environment", "/home/me/x.enpass");
  assertEquals(await readable("readonly", [...kept, ...others]), others);
});

Deno.test("readonly reads no key of later agents, and no clipboard", async () => {
  const kept = [
    ...[".augment/session.json", ".cline/data/secrets.json", ".mcp-auth/x/y"],
    ...[
      ".iflow/oauth_creds.json",
      ".pi/agent/auth.json",
      ".kimi/credentials/x",
    ],
    ...[".openclaw/credentials/x", ".local/share/kiro-cli/data.sqlite3"],
    ...[".config/Kiro/User/globalStorage/x", ".local/share/kilo/auth.json"],
    ...[".cache/cliphist/db", ".local/share/klipper/history3.sqlite"],
    ...[".docker/trust/private/x.key", ".local/share/gnupg/pubring.kbx"],
    ...[".lein/credentials.clj.gpg", ".minecraft/launcher_accounts.json"],
    ...[".config/osc/oscrc", ".wakatime.cfg", ".config/legendary/user.json"],
    ...[".config/gel/credentials/x.json", ".config/kdeconnect/privateKey.pem"],
    ...[".config/hardhat-nodejs/vars.json"],
  ].map((name) => `/home/me/${name}`);
  const others = [".claude/projects/x/y.jsonl", ".codex/history.jsonl", ".pi/x"]
    .concat(".config/Kiro/User/settings.json", ".minecraft/options.txt")
    .map((name) => `/home/me/${name}`);
  assertEquals(await readable("readonly", [...kept, ...others]), others);
});

Deno.test("base reads what a project has by the names of secrets at home", async () => {
  const names = [".zen/config.yaml", ".jfrog/projects/npm.yaml", ".lightning"];
  const others = names.map((name) => `/srv/app/${name}`);
  const kept = [".zen/p/key4.db", ".jfrog/jfrog-cli.conf.v6"]
    .concat([".lightning/bitcoin/hsm_secret"])
    .flatMap((name) => [`/home/me/${name}`, `/root/${name}`]);
  assertEquals(await readable("base", kept), []);
  assertEquals(await readable("readonly", [...kept, ...others]), others);
});

Deno.test("readonly reads no password of another system in this one, nor of one that is gone", async () => {
  const paths = ["/srv/chroot/etc/shadow", "/var/lib/machines/m/etc/gshadow-"];
  paths.push("/etc/chrony/chrony.keys", "/etc/zabbix/agent.psk");
  paths.push("/etc/hostapd/hostapd.conf", "/run/netplan/wpa-wlan0.conf");
  paths.push("/run/NetworkManager/system-connections/netplan-x.nmconnection");
  paths.push("/run/systemd/network/10-netplan-wg0.netdev");
  paths.push("/etc/systemd/network/wg0.netdev", "/run/cryptsetup-keys.d/x.key");
  paths.push(
    "/etc/nginx/.htpasswd",
    "/etc/zypp/credentials.d/x",
    "/etc/msmtprc",
  );
  paths.push("/etc/dovecot/private/dovecot.pem", "/etc/samba/smbcredentials");
  paths.push("/etc/pki/consumer/key.pem", "/etc/haproxy/site-key.pem");
  paths.push("/etc/tinc/n/rsa_key.priv", "/etc/tomcat/x.keystore");
  paths.push("/etc/tomcat/server.jks", "/etc/vault.d/vault.hcl");
  paths.push("/etc/dropbear/dropbear_rsa_host_key", "/etc/corosync/authkey");
  paths.push("/etc/opendkim/keys/x/mail.private", "/etc/xl2tpd/l2tp-secrets");
  paths.push("/etc/gitlab-runner/config.toml", "/etc/netctl/wlan0-home");
  paths.push("/srv/chroot/etc/ssh/ssh_host_rsa_key", "/tmp/x509up_u1000");
  paths.push("/var/lib/jenkins/secrets/master.key", "/var/lib/dkms/mok.key");
  paths.push("/var/snap/lxd/common/lxd/server.key", "/var/lib/pgsql/data/x");
  const others = ["/srv/chroot/etc/passwd", "/var/lib/machines/m/etc/hosts"];
  others.push("/srv/chroot/etc/ssh/ssh_host_rsa_key.pub", "/etc/redis/x");
  others.push("/etc/ssl/certs/x.pem", "/etc/apt/keyrings/x.asc");
  others.push("/etc/nginx/nginx.conf", "/etc/profile.d/private.sh");
  paths.push("/etc/.git/objects/00/00", "/run/user/1000/containers/auth.json");
  paths.push("/root/anaconda-ks.cfg", "/var/cache/debconf/passwords.dat");
  assertEquals(await readable("readonly", [...paths, ...others]), others);
});

/** Where the packages of a system keep what their services are let in by. */
const OF_PACKAGES: readonly string[] = [
  ...["/etc/network/interfaces.d/wlan0", "/etc/swanctl/conf.d/secrets.conf"],
  ...["/etc/cups/printers.conf.O", "/etc/libvirt/secrets/x.base64"],
  ...["/etc/cloud/cloud.cfg.d/99-installer.cfg", "/etc/dma/auth.conf"],
  ...["/etc/dbconfig-common/app.conf", "/etc/nix/netrc", "/etc/cntlm.conf"],
  ...["/etc/mullvad-vpn/device.json", "/etc/netbird/config.json"],
  ...["/etc/gitlab/initial_root_password", "/etc/gitlab/gitlab.rb"],
  ...["/etc/vpnc/default.conf", "/etc/duo/login_duo.conf"],
  ...["/usr/lib/credstore/x", "/usr/lib/ostree/auth.json"],
  ...["/opt/vault/tls/tls.key", "/opt/consul/raft/raft.db"],
  ...["/usr/local/etc/xray/config.json", "/etc/v2ray/config.json"],
  ...["/usr/local/etc/openvpn/client.conf", "/usr/local/etc/nginx/site.key"],
  ...["/usr/local/etc/ssl/private/x.pem", "/etc/app/credentials/db.json"],
  ...["/etc/app/db-secrets/password", "/etc/opendkim/x.keys/mail"],
  ...["/etc/pgbouncer/userlist.txt", "/etc/postfix/mysql-virtual.cf"],
  ...["/etc/dovecot/dovecot-sql.conf.ext", "/etc/asterisk/pjsip.conf"],
  ...["/etc/nova/nova.conf", "/etc/keystone/fernet-keys/0", "/etc/ssh/user_ca"],
  ...["/etc/zabbix/zabbix_server.conf", "/etc/zabbix/web/zabbix.conf.php"],
  ...["/etc/datadog-agent/datadog.yaml", "/etc/gitea/app.ini", "/etc/boto.cfg"],
  ...["/etc/google/auth/application_default_credentials.json"],
  ...["/etc/ldap/slapd.d/cn=config.ldif", "/etc/krb5kdc/stash"],
  ...["/etc/haproxy/certs/site.pem", "/etc/containers/auth.json"],
  ...["/etc/target/saveconfig.json", "/etc/phpmyadmin/config-db.php"],
];

Deno.test("base reads no password that a package keeps for its service", async () => {
  const others = ["/etc/network/if-up.d/x", "/etc/vpnc/vpnc-script"];
  others.push("/etc/cups/cupsd.conf", "/etc/cloud/cloud.cfg", "/opt/vault/x");
  others.push("/etc/nix/nix.conf", "/etc/secretsrc", "/usr/lib/ostree/x");
  others.push("/usr/local/etc/npmrc", "/usr/local/etc/php/php.ini");
  others.push("/etc/postfix/main.cf", "/etc/dovecot/dovecot.conf");
  others.push("/etc/ldap/ldap.conf", "/etc/ssh/ssh_config", "/etc/default/x");
  assertEquals(await readable("base", [...OF_PACKAGES, ...others]), others);
});

Deno.test("readonly reads no credential, mail or job that services keep or were handed", async () => {
  const paths = ["/run/credstore.encrypted/x", "/run/containers/0/auth.json"];
  paths.push("/var/spool/at/a0000", "/var/spool/cron/root");
  paths.push("/var/spool/postfix/active/x", "/var/lib/connman/wifi/settings");
  paths.push("/var/lib/valkey/dump.rdb", "/run/lightdm/root/:0");
  paths.push("/tmp/xauth_AbCdEf", "/root/.xauthAbCdEf", "/crypto_keyfile.bin");
  paths.push("/sys/firmware/qemu_fw_cfg/by_name/opt/x/raw");
  paths.push("/var/log/cloud-init-output.log.1", "/var/log/mysqld.log");
  const others = ["/run/containers/storage/x", "/var/spool/anacron/x"];
  others.push("/var/log/cloud-init.log", "/var/log/mysql/error.log");
  others.push("/var/lib/valkey-x/y", "/tmp/xauth", "/sys/firmware/acpi/x");
  assertEquals(
    await readable("readonly", [...OF_PACKAGES, ...paths, ...others]),
    others,
  );
});

Deno.test("readonly reads nothing that shells, editors and clients remember of what was typed", async () => {
  const names = [".config/nushell/history.txt", ".local/share/xonsh/x.json"];
  names.push(".local/share/powershell/PSReadLine/ConsoleHost_history.txt");
  names.push(".local/state/elvish/db.bolt", ".history", ".Rhistory");
  names.push(".local/share/mcfly/history.db", ".filezilla/sitemanager.xml");
  names.push(
    ".local/state/nvim/shada/main.shada",
    ".config/fastly/config.toml",
  );
  names.push(".ipython/profile_default/history.sqlite", ".modal.toml");
  names.push(".mongodb/mongosh/mongosh_repl_history", ".cf/config.json");
  names.push(".config/yandex-cloud/config.yaml", ".twilio-cli/config.json");
  names.push(".databricks/token-cache.json", ".local/share/lftp/bookmarks");
  const kept = names.map((name) => `/home/me/${name}`);
  const others = ["/home/me/app/.history/x.c", "/home/me/app/.cf/config.json"];
  others.push("/home/me/.config/nushell/config.nu", "/home/me/.pgpassrc");
  others.push("/home/me/.local/share/nvim/lazy/x", "/home/me/.databricks/x");
  assertEquals(await readable("readonly", [...kept, ...others]), others);
});

/** What a shell, a login or a session runs of a home directory. */
const OF_A_HOME: readonly string[] = [
  ...[".bash_aliases", ".bashrc", ".cshrc", ".profile", ".xprofile", ".zshenv"],
  ...[".ssh/authorized_keys", ".ssh/config", ".cargo/config.toml"],
  ...[".config/autostart/x.desktop", ".config/fish/config.fish", "bin/ls"],
  ...[".local/bin/ls", ".local/share/systemd/user/x.service"],
  ...[".local/lib/python3/site-packages/x.pth", ".aws/config", "go/bin/x"],
  ...[".deno/bin/jail", ".cache/deno/v8_code_cache_v2", ".npm/_npx/x/y.js"],
  ...[".nvm/nvm.sh", ".pyenv/shims/python", ".oh-my-zsh/oh-my-zsh.sh"],
  ...[".local/share/mise/shims/node", ".config/git/config", ".vim/plugin/x"],
  ...[".config/nvim/init.lua", ".local/share/bash-completion/completions/x"],
  ...[".config/plasma-workspace/env/x.sh", ".m2/repository/x.jar"],
];

Deno.test("-p agent changes nothing that a shell outside runs, where it is started at home", async () => {
  const run = OF_A_HOME.map((name) => `/home/me/${name}`);
  const others = ["/home/me/x", "/home/me/.dotfiles/x", "/home/me/app/.vimrc"];
  assertEquals(await readable("agent", [...run, ...others], "write"), others);
});

Deno.test("jail says where the home directory is the working directory that may be written", async () => {
  await using here = await place({ "me/app/x": "", "me/x": "" });
  const HOME = `${here.path}/me`;
  const saysSo = async (
    cwd: string,
    ...flags: readonly string[]
  ): Promise<boolean> => {
    const env = { ...ENV, HOME };
    const ended = await jail(flags, ["true"], { cwd, env });
    assertEquals(ended.code, 0, ended.stderr);
    return /lets what is hidden in the home directory be written/
      .test(ended.stderr);
  };
  for (const flags of [["-p", "build"], ["-R", "-W=.", "--allow-run"]]) {
    assertEquals(await saysSo(HOME, ...flags), true);
    assertEquals(await saysSo(here.path, ...flags), true);
    assertEquals(await saysSo(`${HOME}/app`, ...flags), false);
  }
  assertEquals(await saysSo(HOME, "-p", "default"), false);
  assertEquals(await saysSo("/", "-A"), false);
});

Deno.test("jail says where what it is started from may be written", async () => {
  await using here = await place({ "work/code/x": "", "work/sub/x": "" });
  const cwd = `${here.path}/work`;
  const saysSo = async (DENO_DIR: string, at = cwd): Promise<boolean> => {
    const env = { ...ENV, DENO_DIR };
    const ended = await jail(["-p", "build"], ["true"], { cwd: at, env });
    assertEquals(ended.code, 0, ended.stderr);
    return /lets "\S*\/work\/code" be written, from which/
      .test(ended.stderr);
  };
  const isAlone = Deno.env.has("JAIL_BINARY");
  assertEquals(await saysSo(`${cwd}/code`), !isAlone);
  assertEquals(await saysSo("code"), !isAlone);
  assertEquals(await saysSo(`${cwd}/code`, `${cwd}/sub`), false);
});

Deno.test("jail says where its own code may be written, in a checkout of it", async () => {
  if (Deno.env.has("JAIL_BINARY")) return;
  const main = await Deno.realPath(jailCommand().at(-1) ?? "");
  await using here = await place({ "x": "" });
  const said = async (flag: string, at: string): Promise<string> => {
    const options = { cwd: at, env: ENV };
    const { stderr } = await jail(["-p", "default", flag], ["true"], options);
    return stderr.replaceAll(at, "HERE");
  };
  const top = main.slice(0, main.lastIndexOf("/"));
  assertMatch(await said("-W=.", top), / lets "HERE\/\S+" be written, from /);
  assertEquals(await said("-W=.", here.path), "");
  assertEquals(await said("-R=.", top), "");
});

Deno.test("jail says where the policy of the next run may be written", async () => {
  const set = { permissions: { default: { read: true, write: ["."] } } };
  await using here = await place({
    "p.yaml": "extends: [build, more/q.yaml]\n",
    "more/q.yaml": "description: More\n",
    "set/deno.json": JSON.stringify(set),
    "set/x/notes": "",
    "x/notes": "",
  }, "ln -s p.yaml l.yaml");
  const said = async (at: string, ...flags: string[]): Promise<string[]> => {
    const options = { cwd: `${here.path}/${at}`, env: ENV };
    const { code, stderr } = await jail(flags, ["true"], options);
    assertEquals(code, 0, stderr);
    return [
      ...stderr.matchAll(/ lets "(\S+)" be written, which says what the/g),
    ]
      .map(([, path = ""]) => path.slice(here.path.length + 1));
  };
  const run = "--allow-run";
  assertEquals(await said("", "-p", "p.yaml"), ["more/q.yaml", "p.yaml"]);
  assertEquals(
    await said("", "-p", "l.yaml", "--deny-write=more"),
    ["p.yaml", "l.yaml"],
  );
  assertEquals(
    await said("", "-p", "l.yaml", "--deny-write=more,p.yaml,l.yaml"),
    [],
  );
  assertEquals(await said("x", "-p", "../p.yaml"), []);
  assertEquals(await said("set", "-P", run), ["set/deno.json"]);
  // The set above names its own directory: what is made here is nearer.
  assertEquals(await said("set/x", "-P", run, "-W=."), ["set/x/deno.json"]);
  assertEquals(await said("set/x", "-p", "build"), []);
});

Deno.test("jail says where a link to the directory of the next run's policy may be replaced", async () => {
  await using elsewhere = await place({ "p.yaml": "extends: build\n" });
  const link = `ln -s ${elsewhere.path} conf`;
  await using here = await place({}, link);
  const said = async (...flags: string[]): Promise<boolean> => {
    const options = { cwd: here.path, env: ENV };
    const { code, stderr } = await jail(flags, ["true"], options);
    assertEquals(code, 0, stderr);
    return stderr.includes(`lets "${here.path}/conf/p.yaml" be written`);
  };
  assertEquals(await said("-p", "conf/p.yaml"), true);
  assertEquals(await said("-p", "conf/p.yaml", "--deny-write=conf"), false);
  assertEquals(await said("-p", `${elsewhere.path}/p.yaml`), false);
});

Deno.test("jail says where a repository that is no .git may be written", async () => {
  const bare = {
    "HEAD": "ref: refs/heads/main\n",
    "objects/x": "",
    "refs/x": "",
  };
  const files = Object.entries(bare).flatMap(([name, text]) =>
    ["code/.bare", "code/.git"].map((at) => [`${at}/${name}`, text])
  );
  await using here = await place({
    ...Object.fromEntries(files),
    "code/main/.git": "gitdir: ../.bare/worktrees/main\n",
  });
  const said = async (
    flags: readonly string[],
    at = "code",
  ): Promise<string> => {
    const cwd = `${here.path}/${at}`;
    const ended = await jail(flags, ["true"], { cwd, env: ENV });
    assertEquals(ended.code, 0, ended.stderr);
    return ended.stderr.replaceAll(here.path, "HERE");
  };
  const lets = (path: string): string =>
    `lets "${path}" be written, a repository whose settings name programs ` +
    "that git runs: start in a worktree of it\n";
  for (const policy of ["agent", "build"]) {
    assertEquals(
      await said(["-p", policy]),
      `jail: ${policy}: \${cwd} ${lets("HERE/code/.bare")}`,
    );
    assertEquals(await said(["-p", policy], "code/main"), "");
  }
  assertMatch(await said(["-p", "agent"], "code/.bare"), /code\/\.bare" be/);
  const closed = ["-p", "agent", "--deny-write=.bare"];
  assertEquals(await said(closed), "");
  // Where all of it may be written, a .git may be as well.
  assertEquals(await said(["-R", "-W=.", "--allow-run"]), "");
});

Deno.test("jail says once where git has its hooks, however often the settings do", async () => {
  const many = Array.from({ length: 2000 }, (_, at) => `hooksPath = h${at}\n`);
  await using here = await place({
    "code/.git/config": `[core]\n${many.join("")}[core] hooksPath = last\n` +
      "[other]\nhooksPath = none\n",
  });
  const options = { cwd: `${here.path}/code`, env: ENV };
  const ended = await jail(["-p", "agent"], ["true"], options);
  assertEquals(
    ended.stderr.replaceAll(here.path, "HERE"),
    'jail: agent: ${cwd} lets "HERE/code/last" be written, where the ' +
      "hooks are that git runs: close it by --deny-write\n",
  );
});

Deno.test("jail says what a repository has git run outside of its .git, by links and settings", async () => {
  const settings = "[include]\n\tpath = ../.gitconfig\n" +
    '[includeIf "gitdir:~/code/"]\n\tpath = ../tools/none # not there yet\n' +
    '[filter "clean"]\n\tclean = "sh \\"tools/clean\\" %f"\n' +
    "[core]\n\tfsmonitor = .git/hooks/watch\n[alias]\n\tlg = log tools/log\n" +
    "\tx = !f() { tools/alias \\\n\t\t; }; f\n[credential]\n\thelper = cache\n";
  await using here = await place({
    "code/.git/config": settings,
    "code/.git/hooks/watch": "",
    "code/.gitconfig": "",
    "code/tools/clean": "",
    "code/tools/alias": "",
    "code/tools/log": "",
    "code/tools/hook": "",
    "code/src/x": "",
    // It takes no time, however long a line is.
    "other/.git/config": `[${"a".repeat(1 << 19)}\n${" ".repeat(1 << 18)}x`,
    "other/tools/hooks/pre-commit": "",
    // Nor is a command too long.
    "other/.git/config.worktree": `[core]\neditor = ${"a ".repeat(1 << 18)}\n`,
    ".gitconfig": "[core]\n\thooksPath = tools/of-all\n",
    "tree/.git": "gitdir: ../main/.git/worktrees/tree\n",
    "main/.git/worktrees/tree/commondir": "../..\n",
    "main/.git/worktrees/tree/config.worktree": "[diff]\nexternal=./ext\n",
    "main/.git/config": "[core]\n\thooksPath = hooks\n\teditor = ed.sh\n",
    "tree/ed.sh": "",
    "tree/ext": "",
    "main/ed.sh": "",
    "tree/sub/.git": `gitdir: ../../main/.git/modules/sub\n`,
    "main/.git/modules/sub/config": "[core]\n\tworktree = x\n",
    "tree/sub/hook": "",
    "main/.git/modules/sub/hooks/x": "",
    "apart/.git": "gitdir: data/git/apart\n",
    "apart/data/git/apart/config": "",
    "near/.git": "gitdir: repo\n",
    "near/repo/HEAD": "",
    "near/repo/objects/x": "",
    "near/repo/refs/x": "",
  });
  const { path } = here;
  await Deno.symlink("../../tools/hook", `${path}/code/.git/hooks/pre-commit`);
  await Deno.symlink("../tools/hooks", `${path}/other/.git/hooks`);
  const modules = `${path}/main/.git/modules`;
  await Deno.symlink(`${path}/tree/sub/hook`, `${modules}/sub/hooks/pre-push`);
  const said = async (
    policy: string,
    at: string,
    deny: readonly string[] = [],
    home = "/",
  ): Promise<string[]> => {
    const cwd = `${path}/${at}`;
    const env = [`HOME=${home}`, "PATH=/usr/bin:/bin"];
    const stdio = [0, 1, 2] as const;
    const program = { name: "true", args: [], env, cwd, stdio, keepFds: [] };
    const spec = { policies: [policy], flags: { write: { deny } } };
    const { doubts, root } = await withTemporary(
      env,
      (temporary) => loadSpec(spec, program, cwd, temporary),
    );
    root.close();
    return [...doubts.join("\n").matchAll(/ lets "([^"]*)" be written, wh/g)]
      .map(([, path = ""]) => path.slice(here.path.length + 1)).sort();
  };
  const all = [".gitconfig", "tools/alias", "tools/clean", "tools/hook"]
    .concat("tools/none").map((name) => `code/${name}`);
  for (const policy of ["agent", "build"]) {
    assertEquals(await said(policy, "code"), all);
  }
  assertEquals(await said("agent", "code", ["tools", ".gitconfig"]), []);
  assertEquals(await said("agent", "code/src"), []);
  assertEquals(await said("git", "code"), []);
  const hooks = ["other/tools/hooks", "other/tools/hooks/pre-commit"];
  assertEquals(await said("agent", "other"), hooks);
  const ofAll = ["other/tools/hooks", "other/tools/hooks/pre-commit"]
    .concat("other/tools/of-all");
  assertEquals(await said("agent", "other", [], path), ofAll);
  const tree = ["tree/ed.sh", "tree/ext", "tree/hooks"];
  assertEquals(await said("build", "tree"), tree);
  assertEquals(await said("agent", "tree/sub"), ["tree/sub/hook"]);
  const apart = ["apart/data/git/apart"];
  assertEquals(await said("agent", "apart"), apart);
  assertEquals(await said("agent", "apart", ["data/git"]), []);
  assertEquals(await said("agent", "near"), []);
});

Deno.test("jail says which pagers, filters, keys and tools of git may be written", async () => {
  const settings = "[pager]\n\tlog = tools/pager\n\tdiff = false\n" +
    "[interactive]\n\tdiffFilter = tools/filter --color\n" +
    '[gpg "ssh"]\n\tdefaultKeyCommand = ./tools/key\n' +
    "[core]\n\talternateRefsCommand = tools/refs\n" +
    '[mergetool "m"]\n\tpath = tools/merge\n[sendemail]\n\tccCmd = tools/cc\n' +
    '[remote "o"]\n\turl = x\n\tuploadpack = tools/pack\n' +
    '[submodule "s"]\n\tpath = src\n[commit]\n\ttemplate = tools/text\n';
  const tools = ["cc", "filter", "key", "merge", "pack", "pager", "refs"];
  const files = [...tools, "text", "other"]
    .map((name) => [`code/tools/${name}`, ""]);
  await using here = await place({
    ...Object.fromEntries(files),
    "code/.git/config": settings,
    "code/src/x": "",
  });
  for (const policy of ["agent", "build"]) {
    const options = { cwd: `${here.path}/code`, env: ENV };
    const { stderr } = await jail(["-p", policy], ["true"], options);
    const said = [
      ...stderr.matchAll(/code\/tools\/(\S+)" be written, which git/g),
    ];
    assertEquals(said.map(([, name]) => name).sort(), tools, stderr);
  }
});

Deno.test("jail says where hooks that git runs may be written, also beneath the top of a repository", async () => {
  await using here = await place({
    "code/.git/config": "[core]\n\thooksPath = tools/hooks\n",
    "code/tools/hooks/pre-commit": "",
    "code/src/x": "",
    "other/.git/config": '[core]\nhookspath = ".husky/_" # by husky\n',
    "third/.git/config": "[core]\nhooksPath=/usr/share/hooks\n",
  });
  const said = async (
    at: string,
    ...flags: readonly string[]
  ): Promise<string> => {
    const options = { cwd: `${here.path}/${at}`, env: ENV };
    const ended = await jail(["-p", "agent", ...flags], ["true"], options);
    assertEquals(ended.code, 0, ended.stderr);
    return ended.stderr.replaceAll(here.path, "HERE");
  };
  assertEquals(
    await said("code"),
    'jail: agent: ${cwd} lets "HERE/code/tools/hooks" be written, where the ' +
      "hooks are that git runs: close it by --deny-write\n",
  );
  assertEquals(
    await said("code/tools"),
    'jail: agent: ${cwd} lets "HERE/code/tools/hooks" be written, where the ' +
      "hooks are that git runs: close it by --deny-write\n",
  );
  assertEquals(await said("code/src"), "");
  assertEquals(await said("code", "--deny-write=tools/hooks"), "");
  assertEquals(await said("other"), "");
  assertEquals(await said("third"), "");
});

Deno.test("jail says nothing of what it is started from where a rule closes that", async () => {
  await using here = await place({ ".cache/deno/x": "", "kept/x": "" });
  const warnings = async (
    DENO_DIR: string,
    ...flags: readonly string[]
  ): Promise<number> => {
    const env = { ...ENV, HOME: here.path, DENO_DIR };
    const ended = await jail(flags, ["true"], { cwd: here.path, env });
    assertEquals(ended.code, 0, ended.stderr);
    return ended.stderr.split("from which the next jail").length - 1;
  };
  const isAlone = Deno.env.has("JAIL_BINARY");
  assertEquals(await warnings("kept", "-p", "agent"), isAlone ? 0 : 1);
  assertEquals(await warnings("kept", "-p", "agent", "--deny-write=kept"), 0);
  assertEquals(await warnings(".cache/deno", "-p", "agent"), 0);
});

Deno.test("jail says where what is named to be written is closed by -p agent", async () => {
  await using here = await place({
    ...{ ".npm/x": "", ".cache/tmp/x": "", ".other/x": "", "app/x": "" },
    ".config/nvim/init.lua": "",
  });
  const HOME = here.path;
  const warnings = async (
    flags: readonly string[],
    TMPDIR = "/tmp",
    at = "app",
  ): Promise<string[]> => {
    const options = { cwd: `${HOME}/${at}`, env: { ...ENV, HOME, TMPDIR } };
    const ended = await jail(["-p", "agent", ...flags], ["true"], options);
    assertEquals(ended.code, 0, ended.stderr);
    return ended.stderr.split("\n").filter((line) => line !== "")
      .map((line) => line.replace(/^jail: (.*?) lets nothing .*$/, "$1"));
  };
  const flags = [`-W=${HOME}/.npm,${HOME}/.other,x,new`];
  assertEquals(await warnings(flags), [`--allow-write=${HOME}/.npm`]);
  const inCache = await warnings([], `${HOME}/.cache/tmp`);
  assertEquals(inCache, ["agent: ${tmp}"]);
  assertEquals(await warnings([], "/tmp", ".config/nvim"), ["agent: ${cwd}"]);
  // Who closes it himself knows.
  assertEquals(await warnings(["-W=x", "--deny-write=x"]), []);
});

/** Secrets that are kept elsewhere than by their names, as by GNU Stow. */
const LINKED = `mkdir -p home/.ssh home/.config
ln -s ../dot/aws home/.aws
ln -s ../../dot/key home/.ssh/id_rsa
ln -s ../dot/netrc home/.netrc
ln -s ../../dot/gh home/.config/gh`;

for (const engine of [...ENGINES, "kernel"] as const) {
  const name =
    `base (${engine}) closes a secret of yours that is a link, by whatever name`;
  Deno.test({
    ...engine === "kernel" && landlockAbi() < 6
      ? hasMachine(false, "Landlock of Linux 6.12", name)
      : { name },
    fn: async () => {
      await using here = await place({
        "dot/aws/credentials": "secret\n",
        "dot/key": "secret\n",
        "dot/netrc": "secret\n",
        "dot/gh/hosts.yml": "secret\n",
        "dot/vimrc": "text\n",
      }, LINKED);
      const dot = ["aws/credentials", "key", "netrc", "gh/hosts.yml", "vimrc"]
        .map((name) => `dot/${name}`);
      const home = [".aws/credentials", ".ssh/id_rsa", ".netrc"]
        .map((name) => `home/${name}`);
      const ended = await jail(
        // What is in the whole machine is not looked for.
        'extends: base\nread: ["${cwd}"]\nrun: [/usr/bin]\n',
        ["cat", ...dot, ...home],
        { cwd: here.path, env: { ...ENV, HOME: `${here.path}/home` }, engine },
      );
      assertEquals([ended.stdout, ended.code], ["text\n", 1], ended.stderr);
    },
  });
}

Deno.test("-p agent changes nothing that an editor, or git, runs by itself", async () => {
  const run = [".vscode/tasks.json", ".idea/x.xml", ".cursor/mcp.json"];
  run.push(".claude/settings.json", ".mcp.json", ".husky/_/h", ".git/config");
  run.push(".kiro/hooks/x", ".opencode/plugin/x.ts", ".roo/mcp.json");
  run.push(".windsurf/hooks.json", ".aider.conf.yml", "opencode.json");
  run.push(
    ".helix/languages.toml",
    ".vim/coc-settings.json",
    ".fleet/run.json",
  );
  run.push(".kilocode/mcp.json", ".github/hooks/x.json", ".agents/skills/x");
  run.push(".hg/hgrc", "sub/.jj/repo/config.toml", ".repo/repo/main.py", ".hg");
  run.push("lefthook.yml", ".lefthook-local.json", ".pre-commit-config.yaml");
  run.push(".exrc", ".vimrc", ".opencode.json", ".pi/extensions/x.ts");
  run.push(".crush/x", ".gitlab/duo/mcp.json", ".zencoder/x", ".lazy.lua");
  run.push(".theia/tasks.json", ".lapce/settings.toml");
  run.push(".grok/hooks/x.json", ".kilo/kilo.jsonc", "kilo.json", ".eca/x");
  run.push(".github/copilot/settings.json", "codebuff.json", "gptme.toml");
  run.push(
    ".lite_project.lua",
    "sub/_darcs/prefs/defaults",
    "_darcs",
    "a/.bzr",
  );
  run.push(
    "x/.repo/projects/p.git/config",
    "sub/.fslckout",
    "_FOSSIL_-journal",
  );
  const paths = run.map((name) => `/${name}`);
  const others = ["/.github/workflows/x.yml", "/node_modules/x/.vscode/x"];
  others.push("/.gitlab/ci/x.yml");
  assertEquals(await readable("agent", [...paths, ...others], "write"), others);
});

Deno.test("-p agent changes nothing that hooks of git outside go by", async () => {
  const run = ["prek.toml", "sub/prek.toml", "sub/.pre-commit-config.yaml"];
  run.push(".pre-commit-config.yml", ".config/lefthook.yml", "hk.pkl");
  run.push(".config/hk.pkl", "lefthook-local.jsonc", ".lefthook.yml");
  run.push(".trunk/trunk.yaml", ".rusty-hook.toml", "captainhook.json");
  run.push("grumphp.yml", "grumphp.yml.dist", "sub/.p4config");
  const paths = run.map((name) => `/${name}`);
  const others = ["/sub/lefthook.yml", "/prek.md", "/.config/x", "/x.pkl"];
  assertEquals(await readable("agent", [...paths, ...others], "write"), others);
});

Deno.test("-p agent changes nothing that a shell outside runs as it comes into the project", async () => {
  const run = [".direnv/flake-profile.rc", ".direnv/bin/ls", ".tool-versions"];
  run.push(
    "mise.toml",
    ".mise.local.toml",
    "mise.dev.toml",
    ".mise/config.toml",
  );
  run.push("mise/config.toml", ".config/mise/conf.d/x.toml", ".autoenv.zsh");
  run.push(".shadowenv.d/500_x.lisp", ".sdkmanrc", ".prototools");
  run.push(".autoenv_leave.zsh", ".autoenv.leave", ".mise/config.local.toml");
  run.push("mise/config.dev.toml", ".miserc.toml", ".config/miserc.toml");
  run.push(".rtx.local.toml", ".prototools.ci", "bin/activate-hermit");
  run.push("bin/hermit", "bin/hermit.hcl");
  const paths = run.map((name) => `/${name}`);
  const others = ["/node_modules/x/.tool-versions", "/mise.ts", "/.config/x"];
  others.push("/.mise/tasks/x", "/bin/x", "/sub/bin/hermit");
  assertEquals(await readable("agent", [...paths, ...others], "write"), others);
});

Deno.test("-p build changes nothing that Mercurial or Jujutsu runs", async () => {
  const run = ["/.git/config", "/.hg/hgrc", "/.jj/repo/config.toml"];
  const others = ["/x", "/.github/x"];
  assertEquals(await readable("build", [...run, ...others], "write"), others);
});

Deno.test("-p agent hides a .env whatever it is called, and shows examples", async () => {
  const of = (...endings: readonly string[]): string[] =>
    endings.map((ending) => `/project/sub/.env.${ending}`);
  const kept = of("keys", "bak", "old", "ci", "qa", "secrets", "prod.bak");
  const others = of("example", "sample", "template", "dist", "defaults");
  kept.push(...of("vault"), "/project/.env~", "/project/.env-prod");
  others.push("/project/.environment", "/project/x.env.ts");
  assertEquals(await readable("agent", [...kept, ...others]), others);
});

Deno.test("-p agent hides what is in directories called .env, and secrets of Wrangler", async () => {
  const kept = ["/.env/prod", "/sub/.env/prod", "/.envs/.production/.django"];
  kept.push("/sub/.env.d/10-db", "/.dev.vars", "/sub/.dev.vars.staging");
  kept.push("/.dev.vars.production", "/.dev.vars.test");
  const others = ["/.venv/bin/python", "/env/x", "/.dev.vars.example"];
  others.push("/.dev.vars.template", "/.dev.vars.sample", "/.dev.variants");
  assertEquals(await readable("agent", [...kept, ...others]), others);
});

Deno.test("-p agent shows a virtual environment of Python that is called .env", async () => {
  const shown = ["/.env/bin/python", "/.env/bin/activate", "/.env/pyvenv.cfg"];
  shown.push("/sub/.env/lib/python3/x.py", "/.env/lib64");
  const kept = ["/.env/b", "/.env/base", "/.env/local", "/.env/live/db"];
  kept.push("/.env/prod", "/.env/py", "/.env/.lib/x", "/.envs/bin/x");
  assertEquals(await readable("agent", [...kept, ...shown]), shown);
});

for (const to of ["../victim", "../victim/not-yet"]) {
  Deno.test(`-p gs writes in no other place that documents lead to by a link: ${to}`, async () => {
    await using here = await place(
      { "victim/keys": "mine\n", "docs/x.ps": "" },
      `ln -s ${to} docs/out`,
    );
    const options = { cwd: `${here.path}/docs`, env: ENV };
    const argv = ["sh", "-c", "echo x > out; echo x > out/keys; echo ran"];
    const policy = "extends: gs\nrun: [/usr/bin]\n";
    const ended = await jail(policy, argv, options);
    assertEquals([ended.stdout, ended.code], ["", 125]);
    assertMatch(ended.stderr, /"\$\{cwd\}\/out" leads to ".*\/victim/);
    await Deno.remove(`${here.path}/docs/out`);
    await Deno.mkdir(`${here.path}/docs/real`);
    await Deno.symlink("real", `${here.path}/docs/out`);
    assertEquals((await jail(policy, argv, options)).stdout, "ran\n");
    assertEquals(await Deno.readTextFile(`${here.path}/victim/keys`), "mine\n");
  });
}

Deno.test("jail says that a link leads what may be written out of the working directory", async () => {
  await using here = await place(
    { "keys/own": "mine\n", "docs/real/x": "" },
    "ln -s ../keys docs/build; ln -s real docs/here",
  );
  const options = { cwd: `${here.path}/docs`, env: ENV };
  const ran = async (...flags: readonly string[]): Promise<Ended> =>
    await jail([...flags, "-R", "--allow-run=/usr/bin"], ["true"], options);
  const led = await ran("-W=build/new,real");
  assertEquals(led.code, 0);
  assertEquals(
    led.stderr.replaceAll(here.path, "HERE"),
    "jail: --allow-write=build/new is led out of the working directory by a " +
      'link: "HERE/keys/new" may be written\n',
  );
  // Nothing of what somebody names where it is, or of what stays inside.
  const named = await ran(`-W=here,real,../keys,${here.path}/docs`);
  assertEquals([named.code, named.stderr], [0, ""]);
});

Deno.test("jail says that a link leads --cwd out of the working directory", async () => {
  await using here = await place(
    { "keys/own": "mine\n", "docs/real/x": "" },
    "ln -s ../keys docs/sub; ln -s sub docs/größe; ln -s real docs/here",
  );
  const said = async (directory: string): Promise<string> => {
    const ended = await jail(
      ["-p", "build", `--cwd=${directory}`],
      ["true"],
      { cwd: `${here.path}/docs`, env: ENV },
    );
    assertEquals(ended.code, 0, ended.stderr);
    return ended.stderr.replaceAll(here.path, "HERE");
  };
  assertEquals(
    await said("sub"),
    "jail: --cwd=sub is led out of the working directory by a link: " +
      'the program works in "HERE/keys"\n',
  );
  assertMatch(await said("größe"), /^jail: --cwd=größe is led out /);
  // Nothing of what somebody names where it is, or of what stays inside.
  for (const directory of ["here", "../keys", `${here.path}/keys`]) {
    assertEquals(await said(directory), "");
  }
});

Deno.test("jail says that a link leads what may be read out of the working directory", async () => {
  await using here = await place(
    { "keys/own": "mine\n", "docs/real/x": "" },
    "ln -s ../keys docs/src; ln -s real docs/here; ln -s /usr/lib docs/lib",
  );
  const options = { cwd: `${here.path}/docs`, env: ENV };
  const ran = async (...flags: readonly string[]): Promise<string> => {
    const ended = await jail(flags, ["true"], options);
    assertEquals(ended.code, 0, ended.stderr);
    return ended.stderr.replaceAll(here.path, "HERE");
  };
  assertEquals(
    await ran("-R=src", "--allow-run=/usr/bin"),
    "jail: --allow-read=src is led out of the working directory by a link: " +
      '"HERE/keys" may be read\n',
  );
  // What may be read anyway is no news, nor is what stays inside.
  const named = ["-R=here,lib,../keys", "--allow-run=/usr/bin,here/x"];
  assertEquals(await ran(...named), "");
});

Deno.test("jail says nothing of a virtual environment's link to a program that may be read", async () => {
  await using here = await place(
    { "tools/own": "#!/bin/sh\n", "app/x": "" },
    "mkdir app/bin; ln -s /usr/bin/env app/bin/python; ln -s ../../tools/own app/bin/own",
  );
  const run = async (name: string): Promise<string> => {
    const flags = [
      "-R=/usr,bin",
      "--allow-run=/bin/true",
      `--allow-run=${name}`,
    ];
    const options = { cwd: `${here.path}/app`, env: ENV };
    const ended = await jail(flags, ["true"], options);
    assertEquals(ended.code, 0, ended.stderr);
    return ended.stderr.replaceAll(here.path, "HERE");
  };
  assertEquals(await run("bin/python"), "");
  assertEquals(
    await run("bin/own"),
    "jail: --allow-run=bin/own is led out of the working directory by a " +
      'link: "HERE/tools/own" may be run\n',
  );
});

Deno.test("-p agent hides what an editor or a person keeps of a .env beside it", async () => {
  const endings = [".swp", ".save", ".tmp", ".temp", ".test.bak", ".dev2"];
  endings.push(".docker", ".de", ".sandbox", ".stg", ".d", "1", ",v", " copy");
  const kept = endings.flatMap((ending) => [
    `/project/.env${ending}`,
    `/project/sub/.envrc${ending}`,
  ]);
  kept.push("/opt/shop/.env", "/etc/shop/.env.production");
  kept.push("/project/#.env#", "/project/..env.un~", "/project/.env.local~");
  const shown = [".dist.bak", ".example.de", ".samples", ".template2"]
    .map((ending) => `/project/.env${ending}`);
  shown.push(
    "/opt/shop/.env.example",
    "/project/.envs",
    "/project/.default.env",
    "/project/#env#",
  );
  assertEquals(await readable("agent", [...kept, ...shown]), shown);
});

Deno.test("-p agent hides a .env that is a link, by whatever name", async () => {
  await using here = await place(
    { "config/prod": "KEY=1\n", "config/other": "text\n" },
    "ln -s config/prod .env",
  );
  const argv = ["cat", ".env", "config/prod", "config/other"];
  const ended = await jail(["-p", "agent"], argv, { cwd: here.path, env: ENV });
  assertEquals([ended.stdout, ended.code], ["text\n", 1], ended.stderr);
});

for (const home of ["", "none", "/"]) {
  Deno.test(`-p default runs a program where HOME is "${home}"`, async () => {
    const ended = await jail(["-p", "default"], ["echo", "ran"], {
      env: { ...ENV, HOME: home },
    });
    assertEquals([ended.stdout, ended.stderr], ["ran\n", ""]);
  });
}

Deno.test('a policy closes what is in "~" where HOME ends in "/."', async () => {
  await using here = await place({ "home/file": "secret\n" });
  const ended = await jail(
    'extends: allow-all\nread: {deny: ["~"]}\n',
    ["cat", "home/file"],
    { cwd: here.path, env: { ...ENV, HOME: `${here.path}/home/.` } },
  );
  assertEquals([ended.stdout, ended.code], ["", 1]);
});

Deno.test("base tells of no process outside by its control group", async () => {
  const files = ["cgroup.procs", "cgroup.threads", "tasks", "memory.max"];
  const paths = files.flatMap((name) => [
    `/sys/fs/cgroup/${name}`,
    `/sys/fs/cgroup/system.slice/cron.service/${name}`,
  ]);
  for (const policy of ["base", "readonly"]) {
    assertEquals(await readable(policy, paths), [
      "/sys/fs/cgroup/memory.max",
      "/sys/fs/cgroup/system.slice/cron.service/memory.max",
    ]);
  }
});
