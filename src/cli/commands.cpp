#include "cli/commands.h"

#include <array>

namespace starling::cli {
namespace {

constexpr std::array kCommands{
    Command{"generate", "Make a video from text, with a receipt",
            "starling generate \"a red ball bounces on green ground\" -o ball.mp4\n"
            "starling generate \"a blue box slides to the left\" -o box.mp4 --seconds 4 --size 96x64 --seed 7\n"
            "starling generate \"a white ball\" -o ball.png",
            declare_generate},
    Command{"verify", "Check a receipt by running it again, and a video against it",
            "starling verify ball.mp4\n"
            "starling verify ball.receipt.json\n"
            "starling verify ball.receipt.json --video ball.mp4\n"
            "starling verify ball.receipt.json --sample 3 --json\n"
            "starling verify ball.receipt.json --header block-12.header.json\n"
            "starling verify runs/vae/training.receipt.json --steps 5",
            declare_verify},
    Command{"serve", "Serve the studio and OpenAI's Videos API",
            "starling serve\nstarling serve --listen 127.0.0.1:8000 --network http://127.0.0.1:7001 --max-price 0.05\n"
            "starling serve --listen 0.0.0.0:8443 --tls-certificate server.crt --tls-key server.key",
            declare_serve},
    Command{"key create", "Make an API key for starling serve",
            "starling key create --name phone --budget 5 --per-minute 30\n"
            "starling key create --scopes read --json",
            declare_key_create},
    Command{"key list", "List the API keys", "starling key list --json", declare_key_list},
    Command{"key set", "Change what may be paid with an API key",
            "starling key set key_0123456789abcdef --budget 20\n"
            "starling key set key_0123456789abcdef --budget any --per-minute 60 --json",
            declare_key_set},
    Command{"key revoke", "Make an API key work no more", "starling key revoke key_0123456789abcdef",
            declare_key_revoke},
    Command{"train transformer", "Train a video transformer with its text encoder",
            "starling train transformer --out runs/transformer --vae runs/vae/vae --steps 30000",
            declare_train_transformer},
    Command{"train vae", "Train a video autoencoder", "starling train vae --out runs/vae --steps 12000",
            declare_train_vae},
    Command{"evaluate", "Measure whether a model's videos show what captions say",
            "starling evaluate\nstarling evaluate runs/model --clips 200 --json", declare_evaluate},
    Command{"world", "Draw clips of the world that models learn, with captions and truth",
            "starling world --out clips\nstarling world --out clips --plot seesaw --gravity moon --clips 12",
            declare_world},
    Command{"model info", "Describe a model", "starling model info\nstarling model info ~/models/wan --json",
            declare_model_info},
    Command{"model list", "List the models of a folder", "starling model list ~/models", declare_model_list},
    Command{"model quantize", "Make a model of integers of 8 bits, or check one",
            "starling model quantize /tmp/bundled-w8a8\nstarling model quantize /tmp/bundled-w8a8 --check",
            declare_model_quantize},
    Command{"model random", "Write an untrained model, to test and to measure",
            "starling model random /tmp/tiny --like tiny\nstarling model random /tmp/wan --like wan2.1-t2v-1.3b",
            declare_model_random},
    Command{"wallet new", "Make a key", "starling wallet new\nstarling wallet new --default", declare_wallet_new},
    Command{"wallet list", "List the keys", "starling wallet list --json", declare_wallet_list},
    Command{"wallet import", "Add a key from its secret",
            "starling wallet import secret.txt\nstarling wallet import - --default", declare_wallet_import},
    Command{"wallet export", "Print the secret of a key",
            "starling wallet export 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", declare_wallet_export},
    Command{"wallet balance", "Show what an account has on a network",
            "starling wallet balance --network http://127.0.0.1:7001", declare_wallet_balance},
    Command{"wallet history", "Show what an account did and got on a network", "starling wallet history --limit 5",
            declare_wallet_history},
    Command{"wallet send", "Send credits",
            "starling wallet send 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed 12.5 --network http://127.0.0.1:7001",
            declare_wallet_send},
    Command{"job submit", "Order videos from a network",
            "starling job submit \"a red ball bounces\" --count 10 --yes\n"
            "starling job submit --prompts prompts.txt --max-price 0.05",
            declare_job_submit},
    Command{"job list", "List the videos that were ordered", "starling job list", declare_job_list},
    Command{"job show", "Show how far an order is, and who makes what", "starling job show 7", declare_job_show},
    Command{"job wait", "Wait for an order, fetch and check what was made",
            "starling job wait 7 -o ball.mp4\nstarling job wait 8 -o videos/", declare_job_wait},
    Command{"job cancel", "Cancel an order", "starling job cancel 7", declare_job_cancel},
    Command{"job logs", "Show what happened to an order", "starling job logs 7", declare_job_logs},
    Command{"provider status", "Show what providers earn, hold and ask",
            "starling provider status\nstarling provider status 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed --json",
            declare_provider_status},
    Command{
        "ledger query", "Ask the ledger anything",
        "starling ledger query providers\nstarling ledger query supply\nstarling ledger query tasks/7/parts/0 --proof",
        declare_ledger_query},
    Command{"ledger block", "Show a block",
            "starling ledger block latest\nstarling ledger block 12 --header --json > block-12.header.json",
            declare_ledger_block},
    Command{"ledger tx", "Show a transaction and what became of it",
            "starling ledger tx 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", declare_ledger_tx},
    Command{"ledger export", "Write the state of a chain to a file",
            "starling ledger export state.snapshot --home ~/validator", declare_ledger_export},
    Command{"ledger import", "Begin a chain from such a file",
            "starling ledger import state.snapshot --home ~/other --header block-12.header.json",
            declare_ledger_import},
    Command{"node", "Be one machine of a network",
            "starling node --home ~/validator --genesis genesis.json\n"
            "starling node --home ~/gateway --role gateway --ledger http://127.0.0.1:7001 --listen 127.0.0.1:7003\n"
            "starling node --home ~/provider --role provider --ledger http://127.0.0.1:7001 --listen 127.0.0.1:7002",
            declare_node},
    Command{"devnet", "Start a whole network on this machine",
            "starling devnet\nstarling devnet --providers 3 --home ~/devnet --port 7001", declare_devnet},
    Command{"bench", "Measure speed and memory",
            "starling bench\nstarling bench video --threads 1 --json\n"
            "starling bench peers --only step --blocks 4",
            declare_bench},
    Command{"version", "Print the version and what this machine offers", "starling version --json", declare_version},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace starling::cli
